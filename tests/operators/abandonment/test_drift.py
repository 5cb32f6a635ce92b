"""Drift: an incident is reported with its size, a steady shop is left in peace."""

import math
import pickle
import random

import pytest

from operators.abandonment.drift import DriftMonitor

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


def reported(stream, monitor=None):
    """The drifts of a stream, each with the turn at which it was reported."""
    monitor = DriftMonitor() if monitor is None else monitor
    return [(turn, drift) for turn, p, y, x in stream for drift in monitor.observe(p, y, x, treated=False)]


@pytest.mark.parametrize("seed", range(3))
def test_a_steady_month_gives_no_alarm(seed):
    assert reported(outcomes(6_000, seed=seed)) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_broken_checkout_is_reported_within_300_carts(seed):
    drifts = reported(outcomes(BROKEN + 300, broken=BROKEN, seed=seed))
    first = {drift.what: drift for _, drift in reversed(drifts)}
    assert set(first) >= {"base_rate", "feature:checkout_started"}
    assert all(turn >= BROKEN for turn, _ in drifts)
    assert first["base_rate"].before == pytest.approx(0.68, abs=0.06)
    assert first["base_rate"].after == pytest.approx(0.97, abs=0.06)
    paying = first["feature:checkout_started"]
    assert paying.after < paying.before


def test_drifts_are_those_of_the_first_version():
    (at_rate, rate), (at_feature, feature) = reported(outcomes(BROKEN + 300, broken=BROKEN))
    assert (at_rate, rate.what, at_feature, feature.what) == (
        *(3049, "base_rate"),
        *(3173, "feature:checkout_started"),
    )
    assert rate[1:] == pytest.approx((0.6992456543128909, 0.9807692307692307), rel=1e-12)
    assert feature[1:] == pytest.approx((0.46239526822922555, 0.19051967405117223), rel=1e-12)


def test_the_end_of_the_incident_is_reported_too():
    def repaired():
        yield from outcomes(BROKEN + 500, broken=BROKEN)
        for turn, p, y, x in outcomes(800, seed=9):
            yield turn + BROKEN + 500, p, y, x

    rates = [drift for _, drift in reported(repaired()) if drift.what == "base_rate"]
    assert [drift.after > drift.before for drift in rates] == [True, False]


def test_a_model_that_goes_wrong_is_reported_in_nats_and_one_that_improves_is_not():
    def wrong(count, p):
        chance = random.Random(3)
        for turn in range(count):
            yield turn, p(turn), chance.random() < 0.9, {}

    ((_, drift),) = reported(wrong(1_600, lambda turn: 0.9 if turn < 1_000 else 0.1))
    assert drift.what == "log_loss"
    assert drift.before == pytest.approx(0.33, abs=0.08)
    assert drift.after == pytest.approx(2.08, abs=0.2)
    assert reported(wrong(1_600, lambda turn: 0.1 if turn < 1_000 else 0.9)) == []


def test_words_that_visitors_stop_using_are_reported_as_their_share():
    def moved():
        for turn, p, y, x in outcomes(3_000):
            yield turn, p, y, x | ({"device": "desktop"} if turn >= 2_000 else {})

    drifts = {drift.what: drift for _, drift in reported(moved())}
    assert drifts["feature:device=mobile"].before == pytest.approx(2 / 3, abs=0.08)
    assert drifts["feature:device=mobile"].after < 0.1


def test_the_log_loss_of_carts_with_an_offer_is_left_out():
    chance, monitor = random.Random(4), DriftMonitor()
    for turn in range(2_000):
        p = 0.9 if turn < 1_000 else 0.1
        assert monitor.observe(p, chance.random() < 0.9, {}, treated=True) == []


def test_a_monitor_that_is_loaded_again_reports_the_same():
    stream = list(outcomes(BROKEN + 300, broken=BROKEN))
    monitor, whole, parted = DriftMonitor(), reported(stream), []
    for row in stream:
        if row[0] in (499, 1_700, BROKEN + 40):
            monitor = pickle.loads(pickle.dumps(monitor))
        parted += reported([row], monitor)
    assert parted == whole != []
