"""Calibration: probabilities come true as often as they say, whatever the model behind them says."""

import math
import random

import numpy as np
import pytest
from river.datasets import synth

from operators.abandonment import models
from operators.abandonment.calibration.histogram_calibration import Bend
from operators.abandonment.calibration.tracking_calibration import Tracking, odds
from operators.abandonment.models.base import Model
from operators.abandonment.models.calibrated import Calibrated
from operators.abandonment.models.logistic import Logistic
from operators.abandonment.rolling_metrics import auc, calibration_error


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
    ("says", "loses"),
    [(sigmoid, 0.001), (lambda z: sigmoid(3 * z + 2), 0.0025)],
    ids=["honest", "boastful"],
)
def test_ten_thousand_outcomes_come_true_as_often_as_was_said(says, loses):
    raw = list(outcomes(says))
    said, true = judged(Calibrated(Told()), raw)
    before = np.array([x["says"] for x, _ in raw[2_000:]])
    assert calibration_error(said, true) <= 0.02
    assert auc(said, true) > auc(before, true) - loses


@pytest.mark.parametrize(
    ("spread", "middle", "loses"),
    [(1.0, 0.0, 0.001), (0.5, 0.5, 0.002), (1.0, -3.7, 0.003)],
    ids=["plain", "weak", "rare"],
)
def test_the_order_of_scores_that_are_right_is_kept(spread, middle, loses):
    chance = random.Random(21)
    zs = [chance.gauss(middle, spread) for _ in range(12_000)]
    raw = [({"says": sigmoid(z)}, chance.random() < sigmoid(z)) for z in zs]
    said, true = judged(Calibrated(Told()), raw)
    before = np.array([x["says"] for x, _ in raw[2_000:]])
    assert calibration_error(said, true) <= 0.015
    assert auc(said, true) > auc(before, true) - loses


@pytest.mark.parametrize(
    "stream",
    [
        lambda: synth.SEA(variant=1, noise=0.1, seed=5),
        lambda: synth.Sine(classification_function=1, has_noise=True, seed=5),
    ],
    ids=["a cliff", "a wave"],
)
def test_a_model_is_set_right_without_losing_its_order(stream):
    model = Logistic()
    raw = [({"says": model.lesson(x, bool(y), 1.0)}, bool(y)) for x, y in stream().take(12_000)]
    said, true = judged(Calibrated(Told()), raw)
    before = np.array([x["says"] for x, _ in raw[2_000:]])
    assert calibration_error(before, true) > 0.05
    assert calibration_error(said, true) <= 0.02
    assert auc(said, true) > auc(before, true) - 0.002


@pytest.mark.parametrize(
    ("says", "wrong", "loses"),
    [(lambda z: sigmoid(z**3 / 3), 0.07, 0.002), (lambda z: sigmoid(abs(z) - 1), 0.1, 0.01)],
    ids=["curved", "folded"],  # folded, it has no order to lose: an AUC of 0.49
)
def test_what_no_logistic_curve_can_set_right_is_bent(says, wrong, loses):
    raw = list(outcomes(says))
    said, true = judged(Calibrated(Told()), raw)
    before = np.array([x["says"] for x, _ in raw[2_000:]])
    assert calibration_error(before, true) > wrong
    assert calibration_error(said, true) <= 0.02
    assert auc(said, true) > auc(before, true) - loses


def test_a_score_that_means_the_opposite_in_its_middle_is_put_in_order():
    def says(z):
        return sigmoid(-z if abs(z) < 1.5 else z)

    raw = list(outcomes(says))
    said, true = judged(Calibrated(Told()), raw)
    before = np.array([x["says"] for x, _ in raw[2_000:]])
    assert auc(said, true) > auc(before, true) + 0.03


@pytest.mark.parametrize(("middle", "spread"), [(-4.5, 1.0), (-4.0, 0.4), (3.7, 0.5)])
def test_rare_outcomes_keep_their_order(middle, spread):
    for seed in (12, 13, 14):
        chance, model, raw = random.Random(seed), Calibrated(Told()), []
        for _ in range(12_000):
            z = chance.gauss(middle, spread)
            raw.append(({"says": sigmoid(z)}, chance.random() < sigmoid(z)))
        said, true = judged(model, raw)
        before = np.array([x["says"] for x, _ in raw[2_000:]])
        assert calibration_error(said, true) <= 0.01
        assert auc(said, true) > auc(before, true) - 0.0015


def test_a_model_that_is_right_is_soon_left_alone():
    model = Calibrated(Told())
    for x, y in outcomes(sigmoid, count=4_000):
        model.learn_one(x, y)
    for place in range(1, 20):
        assert model.probability({"says": place / 20}) == pytest.approx(place / 20, abs=0.06)


def test_what_is_missed_around_a_probability_is_bounded_however_long_it_goes_on():
    chance, tracking, missed = random.Random(13), Tracking(), 0.0
    for turn in range(40_000):
        if turn == 20_000:
            halfway = missed
        y = chance.random() < 0.7
        missed += y - tracking(0.4)
        tracking.learn(0.4, y)
    assert tracking(0.4) == pytest.approx(0.7, abs=0.06)
    assert missed == pytest.approx(tracking.sums[4])
    assert missed == pytest.approx(halfway, abs=40.0)
    assert missed < 0.01 * 40_000


def test_what_chance_explains_hardly_moves_a_probability():
    chance, tracking = random.Random(14), Tracking()
    moved = 0.0
    for _ in range(10_000):
        p = chance.choice([0.3, 0.5, 0.7])
        tracking.learn(p, chance.random() < p)
        moved += abs(odds(tracking(p)) - odds(p))
    assert moved / 10_000 < 0.06


@pytest.mark.parametrize("name", ["logistic", "adpredictor", "auto"])
def test_models_of_the_table_are_calibrated_on_carts(name):
    chance = random.Random(8)

    def carts():
        for _ in range(6_000):
            value, paying = math.exp(chance.gauss(4, 1.2)), chance.random() < 0.3
            z = 0.6 * (math.log(value) - 4) - 1.5 * paying + 0.8
            yield {"cart_value": value, "checkout_started": paying}, chance.random() < sigmoid(z)

    said, true = judged(models.build(name), carts())
    assert calibration_error(said, true) <= 0.02
    assert auc(said, true) > 0.68


def test_calibration_follows_a_base_rate_that_moved():
    chance, model = random.Random(9), Calibrated(Told())
    for turn in range(6_000):
        model.learn_one({"says": 0.5}, chance.random() < (0.2 if turn < 3_000 else 0.8))
    assert model.probability({"says": 0.5}) == pytest.approx(0.8, abs=0.06)


def test_the_rising_line_never_falls_and_the_free_one_follows_what_comes_true():
    chance, bend = random.Random(10), Bend()
    for _ in range(3_000):
        p = max(chance.random(), 1e-6)
        bend.learn(odds(p), p, chance.random() > p)  # a model that is wrong in every answer
    rising, free = zip(*(bend(odds(p), p) for p in (0.1, 0.3, 0.5, 0.7, 0.9)), strict=True)
    assert rising == pytest.approx([0.5] * 5, abs=0.1)
    assert free == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1], abs=0.1)


def test_over_a_good_score_both_lines_stay_straight():
    chance, bend = random.Random(11), Bend()
    for _ in range(5_000):
        p = max(chance.random(), 1e-6)
        bend.learn(odds(p), p, chance.random() < p)
    for place in range(1, 100):
        p = place / 100
        assert bend(odds(p), p) == pytest.approx((p, p), abs=0.04)


def test_certain_scores_stay_off_nought_and_one():
    bend, tracking, nearly = Bend(), Tracking(), 1.0 - 1e-9
    for _ in range(1_000):
        bend.learn(odds(nearly), nearly, True)
        tracking.learn(0.999, True)
    for never, always in zip(bend(odds(1e-9), 1e-9), bend(odds(nearly), nearly), strict=True):
        assert 0.0 < never < always < 1.0
    assert 0.999 <= tracking(0.999) < 1.0
