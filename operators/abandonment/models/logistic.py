"""Logistic regression over plain features, by AdaGrad."""

from math import exp, sqrt

from operators.abandonment.models.base import Features, Model
from operators.abandonment.models.encoding import Encoder


class Logistic(Model):
    """A logistic regression behind the encoder: the quick, steady default.

    The steps are those of Duchi, Hazan and Singer (2011), with ``patience`` added to the squared gradients so
    that the first ones are short. Bounded by the encoder's names.
    """

    def __init__(self, rate: float = 0.2, patience: float = 1.0) -> None:
        self.rate = rate
        self.patience = patience
        self.encoder = Encoder()
        self.weights: dict[str, float] = {}
        self.squares: dict[str, float] = {}

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        return self._answer(self.encoder.scaled(x))

    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the probability was; the weights then move by a gradient ``w`` times as long."""
        z = self.encoder.scaled(x)
        p = self._answer(z)
        if w > 0.0:
            weights, squares, rate, patience = self.weights, self.squares, self.rate, self.patience
            error = w * (p - y)
            for name, value in z.items():
                slope = error * value
                squares[name] = square = squares.get(name, patience) + slope * slope
                weights[name] = weights.get(name, 0.0) - rate * slope / sqrt(square)
            self.encoder.learn(x)
        return p

    def forget(self) -> None:
        """Let the next steps be as long as the first; the weights stay."""
        self.squares = {}

    def _answer(self, z: dict[str, float]) -> float:
        weight = self.weights.get
        total = 0.0
        for name, value in z.items():
            total += value * weight(name, 0.0)
        return 1.0 / (1.0 + exp(-min(max(total, -20.0), 20.0)))
