"""Calibration: probabilities come true as often as they say, whatever the model behind them says."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from operators import models
from operators.calibration import Bend, Platt, odds
from operators.models.base import Model
from operators.models.calibrated import Calibrated
from operators.quality import auc, calibration_error


class Told(Model):
    """Says what it is told to say: the feature ``says``."""

    def __init__(self):
        pass

    def probability(self, x):
        return x["says"]

    def lesson(self, x, _y, _w):
        return x["says"]


def judged(model, outcomes, skip=2_000):
    """Predictions and truths of the outcomes after the first ones, each predicted before it is learned."""
    said, true = [], []
    for x, y in outcomes:
        said.append(model.predict_proba_one(x)[True])
        true.append(y)
        model.learn_one(x, y)
    return np.array(said[skip:]), np.array(true[skip:])


def outcomes(says, count=12_000, seed=7):
    """Outcomes with log-odds drawn evenly from -3 to 3, and what a model ``says`` of them."""
    chance = random.Random(seed)
    for _ in range(count):
        z = chance.uniform(-3, 3)
        yield {"says": says(z)}, chance.random() < 1 / (1 + math.exp(-z))


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize(
    "says",
    [sigmoid, lambda z: sigmoid(3 * z + 2)],
    ids=["honest", "boastful"],
)
def test_ten_thousand_outcomes_come_true_as_often_as_was_said(says):
    raw = list(outcomes(says))
    said, true = judged(Calibrated(Told()), raw)
    before = np.array([x["says"] for x, _ in raw[2_000:]])
    assert calibration_error(said, true) <= 0.02
    assert auc(said, true) > auc(before, true) - 0.002


def test_what_no_logistic_curve_can_set_right_is_bent_most_of_the_way():
    raw = list(outcomes(lambda z: sigmoid(z**3 / 3)))
    said, true = judged(Calibrated(Told()), raw)
    before = np.array([x["says"] for x, _ in raw[2_000:]])
    assert calibration_error(before, true) > 0.07
    assert calibration_error(said, true) < 0.035


@pytest.mark.parametrize("name", ["logistic", "adpredictor"])
def test_models_of_the_table_are_calibrated_on_carts(name):
    chance = random.Random(8)

    def carts():
        for _ in range(6_000):
            value, paying = math.exp(chance.gauss(4, 1.2)), chance.random() < 0.3
            z = 0.6 * (math.log(value) - 4) - 1.5 * paying + 0.8
            yield {"cart_value": value, "checkout_started": paying}, chance.random() < sigmoid(z)

    said, true = judged(models.build(name), carts())
    assert calibration_error(said, true) <= 0.025
    assert auc(said, true) > 0.68


def test_calibration_follows_a_base_rate_that_moved():
    chance, model = random.Random(9), Calibrated(Told())
    for turn in range(6_000):
        model.learn_one({"says": 0.5}, chance.random() < (0.2 if turn < 3_000 else 0.8))
    assert model.probability({"says": 0.5}) == pytest.approx(0.8, abs=0.06)


def test_calibration_keeps_the_order_of_scores():
    chance, curve, bend = random.Random(10), Platt(), Bend()
    for _ in range(3_000):
        p = chance.random()
        y = chance.random() > p  # a model that is wrong in every answer
        curve.learn(odds(max(p, 1e-6)), y)
        bend.learn(p, y)
    grid = [place / 500 for place in range(1, 500)]
    for line in ([curve(odds(p)) for p in grid], [bend(p) for p in grid]):
        assert all(left < right for left, right in pairwise(line))
        assert all(0 < p < 1 for p in line)


def test_over_a_good_curve_the_broken_line_stays_straight():
    chance, bend = random.Random(11), Bend()
    for _ in range(5_000):
        p = chance.random()
        bend.learn(p, chance.random() < p)
    assert max(abs(bend(place / 100) - place / 100) for place in range(1, 100)) < 0.04


def test_certain_scores_stay_off_nought_and_one():
    bend, curve = Bend(), Platt()
    for _ in range(1_000):
        bend.learn(1.0, True)
        curve.learn(20.0, True)
    assert 0.0 < bend(0.0) < bend(1.0) < 1.0
    assert 0.9 < curve(20.0) < 1.0
