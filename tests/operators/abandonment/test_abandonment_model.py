"""The abandonment machine: it predicts before it learns, and a question leaves it as it was."""

import math
import pickle
import random
from itertools import pairwise

import pytest

from operators.abandonment import models
from operators.abandonment.abandonment_model import Abandonment
from operators.abandonment.challenger import Challenger
from schemas.errors import SetupError
from tests.operators.abandonment.test_models import Always


def carts(count, seed=1):
    """Carts as the page describes them: dear ones on a mobile are left, those about to pay are not."""
    chance = random.Random(seed)
    for _ in range(count):
        value, paying = math.exp(chance.gauss(4, 1)), chance.random() < 0.4
        device = chance.choice(["mobile", "desktop"])
        z = 1.5 * (math.log(value) - 4) - 2.5 * paying + (1.0 if device == "mobile" else -0.5) + 0.5
        features = {
            "cart_value": value,
            "checkout_started": paying,
            "device": device,
            "moment": chance.choice(["cart_idle", "cart_changed"]),
            "session_seconds": chance.expovariate(1 / 300),
            "known_user": chance.random() < 0.5,
        }
        yield features, chance.random() < 1 / (1 + math.exp(-z))


def taught(count, name="logistic"):
    machine = Abandonment(name)
    for features, abandoned in carts(count):
        machine.learn(features, abandoned)
    return machine


@pytest.mark.parametrize("name", ["logistic", "auto"])
def test_scoring_leaves_the_machine_as_it_was(name):
    machine = taught(150, name)
    before = machine.dumps()
    scores = [machine.score(features) for features, _ in carts(20, seed=2)]
    assert machine.dumps() == before
    assert [machine.score(features) for features, _ in carts(20, seed=2)] == scores


def test_each_lesson_is_predicted_before_it_is_learned():
    machine = taught(50)
    for features, abandoned in carts(50, seed=3):
        asked = machine.score(features)
        assert machine.learn(features, abandoned, 2.5).predicted == asked
    assert machine.version == 100
    assert machine.figures()["lessons"] == 100.0


def test_it_learns_which_carts_are_left():
    figures = taught(2_500).figures()
    assert figures["auc"] > 0.8
    assert figures["log_loss"] < 0.55
    assert figures["calibration_error"] < 0.06
    assert 0.3 < figures["base_rate"] < 0.7


def test_carts_that_had_an_offer_are_judged_apart_and_teach_nothing():
    machine = taught(200)
    model, version, untreated = pickle.dumps(machine.model), machine.version, machine.untreated.state()
    for features, _ in carts(30, seed=4):
        assert machine.observe_treated(features, False).predicted == machine.score(features)
    assert (pickle.dumps(machine.model), machine.version) == (model, version)
    assert machine.untreated.state() == untreated
    figures = machine.figures()
    assert figures["treated_outcomes"] == 30.0
    assert figures["treated_base_rate"] == 0.0
    assert figures["base_rate"] > 0.0


def test_a_weight_counts_a_lesson_more_than_once():
    light, heavy = taught(200), taught(200)
    features, _ = next(carts(1, seed=5))
    light.learn(features, True, 1.0)
    heavy.learn(features, True, 10.0)
    assert heavy.score(features) > light.score(features)


def test_a_weight_of_zero_is_judged_but_teaches_nothing():
    machine = taught(20)
    model = pickle.dumps(machine.model)
    features, abandoned = next(carts(1, seed=5))
    machine.learn(features, abandoned, 0.0)
    assert pickle.dumps(machine.model) == model
    assert machine.untreated.seen == 21


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_weight_that_cannot_be_is_refused(weight):
    with pytest.raises(ValueError, match="the weight of a lesson must be finite and not negative; got"):
        Abandonment().learn({}, True, weight)


@pytest.mark.parametrize("name", models.MODELS)
def test_a_machine_taken_up_again_goes_on_as_if_nothing_happened(name):
    machine = taught(40, name)
    again = Abandonment.loads(machine.dumps())
    assert (again.name, again.version) == (name, 40)
    for features, abandoned in carts(15, seed=6):
        assert again.learn(features, abandoned, 1.3) == machine.learn(features, abandoned, 1.3)
    assert again.figures() == machine.figures()


def test_the_default_model_is_written_the_same_after_a_restart():
    machine = taught(100)
    again = Abandonment.loads(machine.dumps())
    for features, abandoned in carts(100, seed=7):
        machine.learn(features | {"campaign": "spring"}, abandoned)
        again.learn(features | {"campaign": "spring"}, abandoned)
    assert again.dumps() == machine.dumps()


def test_the_state_of_another_format_is_refused():
    with pytest.raises(ValueError, match="the abandonment state must be of format 4; got 7"):
        Abandonment.loads(pickle.dumps((7, "logistic")))


def switched(count, turned, seed=8):
    """Carts of a shop that turns upside down: who was sure to buy now leaves."""
    for turn, (features, abandoned) in enumerate(carts(count, seed)):
        yield features, abandoned != (turn >= turned)


def lost(on_drift, count=5_000, turned=2_500):
    """Mean log loss after the turn, the drifts told and the machine."""
    machine, told, losses = Abandonment("logistic", on_drift), [], []
    for turn, (features, abandoned) in enumerate(switched(count, turned)):
        learned = machine.learn(features, abandoned)
        told += [(turn, drift.what, learned.triggered) for drift in learned.drifts]
        if turn >= turned:
            losses.append(-math.log(learned.predicted if abandoned else 1 - learned.predicted))
    return sum(losses) / len(losses), told, machine


@pytest.fixture(scope="module")
def after_the_turn():
    return {on_drift: lost(on_drift) for on_drift in ("report", "forget", "reset")}


def test_a_model_that_went_wrong_is_told_whatever_is_set(after_the_turn):
    for on_drift, (_, told, _) in after_the_turn.items():
        turn, what, triggered = told[0]
        assert (what, triggered) == ("log_loss", on_drift)
        assert 2_500 < turn < 2_800


def test_only_one_thing_is_triggered_by_the_drifts_of_one_incident(after_the_turn):
    for on_drift in ("forget", "reset"):
        _, told, _ = after_the_turn[on_drift]
        acted = [turn for turn, _, triggered in told if triggered == on_drift]
        assert all(later - earlier >= 500 for earlier, later in pairwise(acted))


def test_a_model_that_forgets_or_is_challenged_is_soon_right_again(after_the_turn):
    report, forget, reset = (after_the_turn[each][0] for each in ("report", "forget", "reset"))
    assert forget < report
    assert reset < report


def test_a_challenger_serves_once_it_predicts_better(after_the_turn):
    machine = after_the_turn["reset"][2]
    first = Abandonment("logistic", "reset")
    assert machine.challenger is None
    assert machine.model is not first.model
    asked = [machine.score(features) for features, _ in carts(500, seed=9)]
    left = [abandoned for _, abandoned in switched(500, 0, seed=9)]
    right = sum((p > 0.5) == y for p, y in zip(asked, left, strict=True))
    assert right > 360


def test_a_challenger_that_is_no_better_is_given_up():
    steady = Always(0.5)
    challenger = Challenger(Always(0.3))
    for turn in range(3_000):
        assert not challenger.is_over
        challenger.learn({}, turn % 2 == 0, 1.0, steady.probability({}))
        assert not challenger.has_won
    assert challenger.is_over


@pytest.mark.parametrize("on_drift", ["forget", "reset"])
def test_what_a_drift_triggered_goes_on_after_a_restart(on_drift):
    machine = Abandonment("logistic", on_drift)
    for turn, (features, abandoned) in enumerate(switched(2_200, 1_500)):
        if turn == 1_800:
            machine = Abandonment.loads(machine.dumps(), on_drift)
        machine.learn(features, abandoned)
    other = Abandonment("logistic", on_drift)
    for features, abandoned in switched(2_200, 1_500):
        other.learn(features, abandoned)
    assert machine.dumps() == other.dumps()


def test_an_unknown_model_stops_the_machine_before_it_starts():
    with pytest.raises(SetupError, match="MODEL must be one of"):
        Abandonment("oracle")
