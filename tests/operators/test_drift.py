"""Drift: an incident is told with its size, a steady shop is left in peace."""

import math
import pickle
import random

import pytest

from operators.drift import WARM_UP, Drift, Watch

BROKEN = 3_000


def outcomes(count, broken=None, seed=1):
    """Carts of a steady shop with days and nights; from ``broken`` on the checkout cannot be reached."""
    chance = random.Random(seed)
    for turn in range(count):
        hour = turn / 40 * 2 * math.pi
        paying = chance.random() < 0.4
        p = 0.5 if paying else 0.8
        if broken is not None and turn >= broken:
            paying = False
            yield turn, p, chance.random() < 0.97, features(chance, paying, hour, turn)
        else:
            yield turn, p, chance.random() < p, features(chance, paying, hour, turn)


def features(chance, paying, hour, turn):
    return {
        "cart_value": math.exp(chance.gauss(4, 1)),
        "checkout_started": paying,
        "device": chance.choice(["mobile", "mobile", "desktop"]),
        "hour_sin": math.sin(hour),
        "visits_before": float(turn // 100),
    }


def told(stream):
    watch = Watch()
    return [drift for turn, p, y, x in stream for drift in watch.observe(float(turn), p, y, x)]


@pytest.mark.parametrize("seed", range(3))
def test_a_steady_month_gives_no_alarm(seed):
    assert told(outcomes(6_000, seed=seed)) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_broken_checkout_is_told_within_300_carts(seed):
    drifts = told(outcomes(BROKEN + 300, broken=BROKEN, seed=seed))
    first = {drift.name: drift for drift in reversed(drifts)}
    assert set(first) >= {"base_rate", "checkout_started"}
    assert all(drift.at_s >= BROKEN for drift in drifts)
    assert first["base_rate"].before == pytest.approx(0.68, abs=0.06)
    assert first["base_rate"].after == pytest.approx(0.97, abs=0.06)
    assert first["checkout_started"].after < first["checkout_started"].before


def test_the_end_of_the_incident_is_told_too():
    def repaired():
        yield from outcomes(BROKEN + 500, broken=BROKEN)
        for turn, p, y, x in outcomes(800, seed=9):
            yield turn + BROKEN + 500, p, y, x

    rates = [drift for drift in told(repaired()) if drift.name == "base_rate"]
    assert [drift.after > drift.before for drift in rates] == [True, False]


def test_a_model_that_goes_wrong_is_told_in_nats_and_one_that_improves_is_not():
    def wrong(count, p):
        chance = random.Random(3)
        for turn in range(count):
            yield float(turn), p(turn), chance.random() < 0.9, {}

    (drift,) = told(wrong(1_600, lambda turn: 0.9 if turn < 1_000 else 0.1))
    assert drift.name == "log_loss"
    assert drift.before == pytest.approx(0.33, abs=0.08)
    assert drift.after == pytest.approx(2.08, abs=0.2)
    assert told(wrong(1_600, lambda turn: 0.1 if turn < 1_000 else 0.9)) == []


def test_words_that_visitors_stop_using_are_told_as_their_share():
    def moved():
        for turn, p, y, x in outcomes(3_000):
            yield turn, p, y, x | ({"device": "desktop"} if turn >= 2_000 else {})

    drifts = {drift.name: drift for drift in told(moved())}
    assert drifts["device=mobile"].before == pytest.approx(2 / 3, abs=0.08)
    assert drifts["device=mobile"].after < 0.1


def test_a_watch_taken_up_again_tells_the_same():
    stream = list(outcomes(BROKEN + 300, broken=BROKEN))
    watch, whole = Watch(), told(stream)
    parted: list[Drift] = []
    for turn, p, y, x in stream:
        if turn in (WARM_UP - 1, 1_700, BROKEN + 40):
            watch = Watch.loads(watch.dumps())
        parted += watch.observe(float(turn), p, y, x)
    assert parted == whole != []


def test_the_state_of_something_else_is_refused():
    with pytest.raises(ValueError, match="the drift state must be of format 1; got 9"):
        Watch.loads(pickle.dumps((9, b"")))
    with pytest.raises(TypeError, match="the drift state must hold a Watch; got list"):
        Watch.loads(pickle.dumps((1, pickle.dumps([]))))
