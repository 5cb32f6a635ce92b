"""Calibration: probabilities come true as often as they say, whatever the model behind them says."""

import math
import random

import numpy as np
import pytest
from river.datasets import synth

from operators.abandonment import models
from operators.abandonment.models.calibrated import CalibratedClassifier
from operators.abandonment.models.logistic import LogisticClassifier
from operators.abandonment.rolling_metrics import auc, calibration_error
from tests.operators.abandonment.fakes import EchoClassifier, progressive, sigmoid


def outcomes(prediction, count=12_000, seed=7):
    """Outcomes with log-odds drawn evenly from -3 to 3, and what a model predicts for them."""
    chance = random.Random(seed)
    for _ in range(count):
        z = chance.uniform(-3, 3)
        yield {"predicted": prediction(z)}, chance.random() < sigmoid(z)


def measured(raw):
    """The raw and the calibrated predictions, and the truth, after the first 2,000 outcomes."""
    predicted, truth = progressive(CalibratedClassifier(EchoClassifier()), raw)
    return np.array([x["predicted"] for x, _ in raw[2_000:]]), predicted, truth


@pytest.mark.parametrize(
    ("prediction", "loses"),
    [(sigmoid, 0.001), (lambda z: sigmoid(3 * z + 2), 0.0025)],
    ids=["honest", "overconfident"],
)
def test_ten_thousand_outcomes_come_true_as_often_as_was_predicted(prediction, loses):
    before, predicted, truth = measured(list(outcomes(prediction)))
    assert calibration_error(predicted, truth) <= 0.02
    assert auc(predicted, truth) > auc(before, truth) - loses


@pytest.mark.parametrize(
    ("spread", "middle", "loses"),
    [(1.0, 0.0, 0.001), (0.5, 0.5, 0.002), (1.0, -3.7, 0.003)],
    ids=["plain", "weak", "rare"],
)
def test_the_order_of_scores_that_are_right_is_kept(spread, middle, loses):
    chance = random.Random(21)
    zs = [chance.gauss(middle, spread) for _ in range(12_000)]
    raw = [({"predicted": sigmoid(z)}, chance.random() < sigmoid(z)) for z in zs]
    before, predicted, truth = measured(raw)
    assert calibration_error(predicted, truth) <= 0.015
    assert auc(predicted, truth) > auc(before, truth) - loses


@pytest.mark.parametrize(
    "stream",
    [
        lambda: synth.SEA(variant=1, noise=0.1, seed=5),
        lambda: synth.Sine(classification_function=1, has_noise=True, seed=5),
    ],
    ids=["a cliff", "a wave"],
)
def test_a_model_is_set_right_without_losing_its_order(stream):
    model = LogisticClassifier()
    rows = [(x, bool(y)) for x, y in stream().take(12_000)]
    before, predicted, truth = measured(
        [({"predicted": model.predict_then_learn(x, y, 1.0)}, y) for x, y in rows]
    )
    assert calibration_error(before, truth) > 0.05
    assert calibration_error(predicted, truth) <= 0.02
    assert auc(predicted, truth) > auc(before, truth) - 0.002


@pytest.mark.parametrize(
    ("prediction", "wrong", "loses"),
    [(lambda z: sigmoid(z**3 / 3), 0.07, 0.002), (lambda z: sigmoid(abs(z) - 1), 0.1, 0.01)],
    ids=["curved", "folded"],  # folded, it has no order to lose: an AUC of 0.49
)
def test_what_no_logistic_curve_can_set_right_is_set_right_by_pools(prediction, wrong, loses):
    before, predicted, truth = measured(list(outcomes(prediction)))
    assert calibration_error(before, truth) > wrong
    assert calibration_error(predicted, truth) <= 0.02
    assert auc(predicted, truth) > auc(before, truth) - loses


def test_a_score_that_means_the_opposite_in_its_middle_is_put_in_order():
    before, predicted, truth = measured(list(outcomes(lambda z: sigmoid(-z if abs(z) < 1.5 else z))))
    assert auc(predicted, truth) > auc(before, truth) + 0.03


@pytest.mark.parametrize(("middle", "spread"), [(-4.5, 1.0), (-4.0, 0.4), (3.7, 0.5)])
def test_rare_outcomes_keep_their_order(middle, spread):
    for seed in (12, 13, 14):
        chance, raw = random.Random(seed), []
        for _ in range(12_000):
            z = chance.gauss(middle, spread)
            raw.append(({"predicted": sigmoid(z)}, chance.random() < sigmoid(z)))
        before, predicted, truth = measured(raw)
        assert calibration_error(predicted, truth) <= 0.01
        assert auc(predicted, truth) > auc(before, truth) - 0.0015


def test_a_model_that_is_right_is_soon_left_alone():
    model = CalibratedClassifier(EchoClassifier())
    for x, y in outcomes(sigmoid, count=4_000):
        model.learn_one(x, y)
    for place in range(1, 20):
        assert model.probability({"predicted": place / 20}) == pytest.approx(place / 20, abs=0.06)


@pytest.mark.parametrize("name", ["logistic", "adpredictor", "auto"])
def test_models_of_the_table_are_calibrated_on_carts(name):
    chance = random.Random(8)

    def carts():
        for _ in range(6_000):
            value, paying = math.exp(chance.gauss(4, 1.2)), chance.random() < 0.3
            z = 0.6 * (math.log(value) - 4) - 1.5 * paying + 0.8
            yield {"cart_value": value, "checkout_started": paying}, chance.random() < sigmoid(z)

    predicted, truth = progressive(models.build(name), carts())
    assert calibration_error(predicted, truth) <= 0.02
    assert auc(predicted, truth) > 0.68


def test_calibration_follows_a_base_rate_that_moved():
    chance, model = random.Random(9), CalibratedClassifier(EchoClassifier())
    for turn in range(6_000):
        model.learn_one({"predicted": 0.5}, chance.random() < (0.2 if turn < 3_000 else 0.8))
    assert model.probability({"predicted": 0.5}) == pytest.approx(0.8, abs=0.06)
