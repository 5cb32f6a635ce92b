"""The abandonment model: it predicts before it learns, and scoring leaves it as it was."""

import math
import pickle
import random
from itertools import pairwise

import pytest

from operators.abandonment import models
from operators.abandonment.abandonment_model import AbandonmentModel
from schemas.errors import SetupError


def carts(count, seed=1):
    """Carts as the shop describes them: expensive ones on a mobile are left, those about to pay are not."""
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


def trained(count, name="logistic"):
    model = AbandonmentModel(name)
    for features, abandoned in carts(count):
        model.learn(features, abandoned)
    return model


@pytest.mark.parametrize("name", ["logistic", "auto"])
def test_scoring_leaves_the_model_as_it_was(name):
    model = trained(150, name)
    before = model.dumps()
    scores = [model.score(features) for features, _ in carts(20, seed=2)]
    assert model.dumps() == before
    assert [model.score(features) for features, _ in carts(20, seed=2)] == scores


def test_each_outcome_is_predicted_before_it_is_learned():
    model = trained(50)
    for features, abandoned in carts(50, seed=3):
        asked = model.score(features)
        assert model.learn(features, abandoned, 2.5).predicted == asked
    assert model.version == 100
    assert model.figures()["updates"] == 100.0


def test_it_learns_which_carts_are_left():
    figures = trained(2_500).figures()
    assert figures["auc"] > 0.8
    assert figures["log_loss"] < 0.55
    assert figures["calibration_error"] < 0.06
    assert 0.3 < figures["base_rate"] < 0.7


def test_carts_that_had_an_offer_are_measured_apart_and_not_learned_from():
    model = trained(200)
    classifier, version, untreated = pickle.dumps(model.classifier), model.version, model.untreated.state()
    for features, _ in carts(30, seed=4):
        assert model.observe_treated(features, False).predicted == model.score(features)
    assert (pickle.dumps(model.classifier), model.version) == (classifier, version)
    assert model.untreated.state() == untreated
    figures = model.figures()
    assert figures["treated_outcomes"] == 30.0
    assert figures["treated_base_rate"] == 0.0
    assert figures["base_rate"] > 0.0


def test_a_weight_counts_an_update_more_than_once():
    light, heavy = trained(200), trained(200)
    features, _ = next(carts(1, seed=5))
    light.learn(features, True, 1.0)
    heavy.learn(features, True, 10.0)
    assert heavy.score(features) > light.score(features)


def test_an_outcome_of_zero_weight_is_measured_but_not_learned_from():
    model = trained(20)
    classifier = pickle.dumps(model.classifier)
    features, abandoned = next(carts(1, seed=5))
    model.learn(features, abandoned, 0.0)
    assert pickle.dumps(model.classifier) == classifier
    assert model.untreated.count == 21


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_weight_that_cannot_be_is_refused(weight):
    with pytest.raises(ValueError, match="the weight of an update must be finite and not negative; got"):
        AbandonmentModel().learn({}, True, weight)


@pytest.mark.parametrize("name", models.MODELS)
def test_a_model_that_is_loaded_again_continues_as_if_nothing_happened(name):
    model = trained(40, name)
    again = AbandonmentModel.loads(model.dumps())
    assert (again.name, again.version) == (name, 40)
    for features, abandoned in carts(15, seed=6):
        assert again.learn(features, abandoned, 1.3) == model.learn(features, abandoned, 1.3)
    assert again.figures() == model.figures()


def test_the_default_model_is_written_the_same_after_a_restart():
    model = trained(100)
    again = AbandonmentModel.loads(model.dumps())
    for features, abandoned in carts(100, seed=7):
        model.learn(features | {"campaign": "spring"}, abandoned)
        again.learn(features | {"campaign": "spring"}, abandoned)
    assert again.dumps() == model.dumps()


def test_the_state_of_another_format_is_refused():
    with pytest.raises(ValueError, match="the abandonment state must be of format 6; got 7"):
        AbandonmentModel.loads(pickle.dumps((7, "logistic")))


def switched(count, turned, seed=8):
    """Carts of a shop that turns upside down: who was sure to buy now leaves."""
    for turn, (features, abandoned) in enumerate(carts(count, seed)):
        yield features, abandoned != (turn >= turned)


def after_turn(on_drift, count=5_000, turned=2_500):
    """Mean log loss after the turn, the drifts reported and the model."""
    model, reported, losses = AbandonmentModel("logistic", on_drift), [], []
    for turn, (features, abandoned) in enumerate(switched(count, turned)):
        learned = model.learn(features, abandoned)
        reported += [(turn, drift.what, learned.triggered) for drift in learned.drifts]
        if turn >= turned:
            losses.append(-math.log(learned.predicted if abandoned else 1 - learned.predicted))
    return sum(losses) / len(losses), reported, model


@pytest.fixture(scope="module")
def after_the_turn():
    return {on_drift: after_turn(on_drift) for on_drift in ("report", "forget", "reset")}


def test_a_model_that_went_wrong_is_reported_whatever_is_set(after_the_turn):
    for on_drift, (_, reported, _) in after_the_turn.items():
        turn, what, triggered = reported[0]
        assert (what, triggered) == ("log_loss", on_drift)
        assert 2_500 < turn < 2_800


def test_drifts_and_what_they_triggered_are_those_of_the_first_version(after_the_turn):
    lost = {on_drift: after_the_turn[on_drift][0] for on_drift in after_the_turn}
    assert lost == pytest.approx(
        {"report": 0.5895994170983756, "forget": 0.520949256237641, "reset": 0.5388046940424327}, rel=1e-12
    )
    assert {reported[0][0] for _, reported, _ in after_the_turn.values()} == {2609}


def test_only_one_thing_is_triggered_by_the_drifts_of_one_incident(after_the_turn):
    for on_drift in ("forget", "reset"):
        _, reported, _ = after_the_turn[on_drift]
        acted = [turn for turn, _, triggered in reported if triggered == on_drift]
        assert all(later - earlier >= 500 for earlier, later in pairwise(acted))


def test_a_model_that_forgets_or_is_challenged_is_soon_right_again(after_the_turn):
    report, forget, reset = (after_the_turn[each][0] for each in ("report", "forget", "reset"))
    assert forget < report
    assert reset < report


def test_a_challenger_serves_once_it_predicts_better(after_the_turn):
    model = after_the_turn["reset"][2]
    assert model.challenger is None
    asked = [model.score(features) for features, _ in carts(500, seed=9)]
    left = [abandoned for _, abandoned in switched(500, 0, seed=9)]
    right = sum((p > 0.5) == y for p, y in zip(asked, left, strict=True))
    assert right > 360


@pytest.mark.parametrize("on_drift", ["forget", "reset"])
def test_what_a_drift_triggered_continues_after_a_restart(on_drift):
    model = AbandonmentModel("logistic", on_drift)
    for turn, (features, abandoned) in enumerate(switched(2_200, 1_500)):
        if turn == 1_800:
            model = AbandonmentModel.loads(model.dumps(), on_drift)
        model.learn(features, abandoned)
    other = AbandonmentModel("logistic", on_drift)
    for features, abandoned in switched(2_200, 1_500):
        other.learn(features, abandoned)
    assert model.dumps() == other.dumps()


def test_an_unknown_classifier_stops_the_model_before_it_starts():
    with pytest.raises(SetupError, match="MODEL must be one of"):
        AbandonmentModel("oracle")
