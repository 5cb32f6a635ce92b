"""The logistic model is River's, and reads what the encoder makes of a cart."""

import math
import random

import numpy as np
import pytest
from river import linear_model, optim

from operators.abandonment import models
from operators.abandonment.models.logistic import LogisticClassifier
from operators.abandonment.rolling_metrics import auc
from tests.operators.abandonment.fakes import carts


def test_it_is_rivers_logistic_regression_by_rivers_adagrad():
    model = LogisticClassifier(rate=0.3, patience=2.0)
    river = linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.3, eps=2.0), intercept_lr=0.0)
    assert type(model.regression) is linear_model.LogisticRegression
    assert type(model.regression.optimizer) is optim.AdaGrad
    for turn, (x, y) in enumerate(carts(300)):
        scaled = model.encoder.scaled(x)
        assert model.predict_then_learn(x, y, 1.0 + turn % 3) == river.predict_proba_one(scaled)[True]
        river.learn_one(scaled, y, 1.0 + turn % 3)


def test_a_probability_stays_off_zero_and_one_however_certain_it_is():
    model = LogisticClassifier()
    for y in (True, False):
        model.regression._weights["1"] = 1_000.0 if y else -1_000.0
        assert 0.0 < model.probability({}) < 1.0
        assert model.probability({}) == pytest.approx(float(y), abs=3e-9)


def test_a_number_that_is_only_ever_there_or_not_is_still_learned_from():
    model = models.build("logistic")
    for turn in range(600):
        y = turn % 2 == 0
        model.learn_one({"always": 1.0} | ({"coupon_box": 1.0} if y else {}), y)
    assert model.probability({"always": 1.0, "coupon_box": 1.0}) > 0.9
    assert model.probability({"always": 1.0}) < 0.1


def test_a_number_counts_as_it_is_or_as_its_logarithm_whichever_predicts():
    for scale in (lambda value: value, math.log):
        chance, model, predicted, truth = random.Random(10), LogisticClassifier(), [], []
        for _ in range(4_000):
            one, other = math.exp(chance.uniform(0, 5)), math.exp(chance.uniform(0, 5))
            left = scale(one) + scale(other) > 2 * scale(30.0)
            predicted.append(model.predict_then_learn({"one": one, "other": other}, left, 1.0))
            truth.append(left)
        assert auc(np.array(predicted[1_000:]), np.array(truth[1_000:])) > 0.99
