"""Classifiers that learn nothing, and outcomes whose truth is set."""

import math
import random

import numpy as np

from operators.abandonment.models import BinaryClassifier


class FixedClassifier(BinaryClassifier):
    """Predicts the same probability whatever the features."""

    def __init__(self, p):
        self.p = p

    def probability(self, _x):
        return self.p

    def predict_then_learn(self, _x, _y, _w):
        return self.p


class EchoClassifier(BinaryClassifier):
    """Predicts what the feature ``predicted`` says."""

    def __init__(self):
        pass

    def probability(self, x):
        return x["predicted"]

    def predict_then_learn(self, x, _y, _w):
        return x["predicted"]


class SigmoidClassifier(BinaryClassifier):
    """Right about one feature, and knows no other."""

    def __init__(self, name):
        self.name = name

    def probability(self, x):
        return sigmoid(x[self.name])

    def predict_then_learn(self, x, _y, _w):
        return self.probability(x)


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def progressive(model, outcomes, skip=2_000):
    """Predictions and truths of the outcomes after the first ones, each predicted before it is learned."""
    predicted, truth = [], []
    for x, y in outcomes:
        predicted.append(model.predict_proba_one(x)[True])
        truth.append(y)
        model.learn_one(x, y)
    return np.array(predicted[skip:]), np.array(truth[skip:])


def carts(count, seed=1):
    """Carts that are left more readily on a mobile and when expensive, and seldom once paying began."""
    chance = random.Random(seed)
    for _ in range(count):
        paying, device = chance.random() < 0.3, chance.choice(["mobile", "desktop"])
        value = math.exp(chance.gauss(4, 1))
        z = 2.0 * (math.log(value) - 4) - 2.0 * paying + (1.0 if device == "mobile" else -1.0)
        left = chance.random() < sigmoid(z)
        yield {"cart_value": value, "checkout_started": paying, "device": device}, left
