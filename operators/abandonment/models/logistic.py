"""Logistic regression over plain features, by AdaGrad."""

from math import exp, sqrt

from operators.abandonment.models.base import BinaryClassifier, Features
from operators.abandonment.models.encoding import Encoder


class LogisticClassifier(BinaryClassifier):
    """A logistic regression behind the encoder: the quick, steady default.

    Its steps are those of AdaGrad (Duchi, Hazan and Singer 2011): ``rate`` over the root of the squared
    gradients so far and ``patience``, which keeps the first steps short. Bounded by the encoder's names.
    """

    def __init__(self, rate: float = 0.2, patience: float = 1.0) -> None:
        self.rate = rate
        self.patience = patience
        self.encoder = Encoder()
        self.weights: dict[str, float] = {}
        self.squares: dict[str, float] = {}

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        return self._predict(self.encoder.scaled(x))

    def predict_then_learn(self, x: Features, y: bool, w: float) -> float:
        """The probability before this update, whose gradient is multiplied by ``w``."""
        scaled = self.encoder.scaled(x)
        p = self._predict(scaled)
        if w > 0.0:
            weights, squares, rate, patience = self.weights, self.squares, self.rate, self.patience
            error = w * (p - y)
            for name, value in scaled.items():
                slope = error * value
                squares[name] = square = squares.get(name, patience) + slope * slope
                weights[name] = weights.get(name, 0.0) - rate * slope / sqrt(square)
            self.encoder.learn(x)
        return p

    def forget(self) -> None:
        """Make the next steps as long as the first; the weights stay."""
        self.squares = {}

    def _predict(self, scaled: dict[str, float]) -> float:
        weight = self.weights.get
        total = 0.0
        for name, value in scaled.items():
            total += value * weight(name, 0.0)
        return 1.0 / (1.0 + exp(-min(max(total, -20.0), 20.0)))
