"""The mixture follows whoever predicts best, and changes its mind."""

import math
import random

import pytest

from operators.abandonment.models.mixture import MixtureClassifier
from tests.operators.abandonment.fakes import FixedClassifier, SigmoidClassifier, sigmoid


def test_the_mixture_trusts_whoever_is_right_and_changes_its_mind():
    mixture = MixtureClassifier((FixedClassifier(0.9), FixedClassifier(0.1)))
    assert mixture.probability({}) == pytest.approx(0.5)
    for _ in range(200):
        mixture.learn_one({}, True)
    assert mixture.probability({}) > 0.89
    for _ in range(10):
        mixture.learn_one({}, False)
    assert mixture.probability({}) < 0.11
    assert sum(mixture.weights) == pytest.approx(1.0)


def test_classifiers_that_know_different_things_are_better_together():
    together = MixtureClassifier((SigmoidClassifier("a"), SigmoidClassifier("b")))
    chance, lost = random.Random(11), {"a": 0.0, "b": 0.0}
    for turn in range(3_000):
        x = {"a": chance.gauss(0, 2), "b": chance.gauss(0, 2)}
        y = chance.random() < sigmoid(x["a"] + x["b"])
        served = together.predict_then_learn(x, y, 1.0)
        for alone in lost:
            p = SigmoidClassifier(alone).probability(x)
            lost[alone] += (turn >= 500) * math.log((served if y else 1 - served) / (p if y else 1 - p))
    assert min(lost.values()) / 2_500 > 0.1


def test_the_mixture_loses_next_to_nothing_against_its_best_classifier():
    best = FixedClassifier(0.7)
    mixture = MixtureClassifier((best, FixedClassifier(0.5), FixedClassifier(0.2)))
    chance, lost = random.Random(5), 0.0
    for _ in range(2_000):
        y = chance.random() < 0.7
        served = mixture.probability({})
        lost += math.log(best.p if y else 1 - best.p) - math.log(served if y else 1 - served)
        mixture.learn_one({}, y)
    assert lost < math.log(4) + 2_000 * 0.0003 * 1.1
