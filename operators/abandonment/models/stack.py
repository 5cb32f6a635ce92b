"""Several answers summed into one, better than each where each knows something that the others do not."""

from math import exp
from operator import mul
from typing import Final

from operators.abandonment.calibration import tracking_calibration as calibration

SPREAD: Final = 0.09  # the variance of each weight before anything is known
RETURN: Final = 1 / 30_000
FURTHEST: Final = 8.0
MEMORY: Final = 1 / 10_000


class Stack:
    """A logistic regression over the log-odds of so many models, learned as a Kalman filter learns.

    It begins as their mean, to which it adds a constant and a weight for how far each is from its own mean so
    far. What is not known of these six or so numbers comes back over 30,000 lessons, so that they can change
    after a drift. Bounded by the models.
    """

    def __init__(self, models: int) -> None:
        self.means = [0.0] * models
        self.weights = [0.0] * (models + 1)
        self.lessons = 0
        ends = range(models + 1)
        self.doubt = [[SPREAD if row == column else 0.0 for column in ends] for row in ends]

    def __call__(self, given: list[float]) -> float:
        """The probability that is made of theirs, strictly between 0 and 1."""
        odds = [log_odds(p) for p in given]
        return self._answer(odds, self._apart(odds))

    def lesson(self, given: list[float], y: bool, w: float) -> float:
        """What the probability was; the weights then move by what it missed, as far as they are in doubt."""
        odds = [log_odds(p) for p in given]
        apart = self._apart(odds)
        p = self._answer(odds, apart)
        if w > 0.0:
            toward = [dot(row, apart) for row in self.doubt]
            chance = p * (1.0 - p) * min(w, 1.0)
            certain = 1.0 + chance * dot(toward, apart)
            missed = min(w, 1.0) * (y - p) / certain
            self.weights = [
                weight + missed * along for weight, along in zip(self.weights, toward, strict=True)
            ]
            for place, (row, along) in enumerate(zip(self.doubt, toward, strict=True)):
                known = chance * along / certain
                row[:] = [
                    (1.0 - RETURN) * (doubt - known * other) for doubt, other in zip(row, toward, strict=True)
                ]
                row[place] += RETURN * SPREAD
            self.lessons += 1
            rate = max(1.0 / self.lessons, MEMORY)
            self.means = [mean + rate * (odd - mean) for mean, odd in zip(self.means, odds, strict=True)]
        return p

    def _apart(self, odds: list[float]) -> list[float]:
        if not self.lessons:
            return [1.0, *(0.0 for _ in odds)]
        return [1.0, *(odd - mean for odd, mean in zip(odds, self.means, strict=True))]

    def _answer(self, odds: list[float], apart: list[float]) -> float:
        total = sum(odds) / len(odds) + dot(self.weights, apart)
        return 1.0 / (1.0 + exp(-min(max(total, -15.0), 15.0)))


def log_odds(p: float) -> float:
    """The log-odds of a probability, between -8 and 8: beyond, models claim more than they know."""
    return min(max(calibration.odds(p), -FURTHEST), FURTHEST)


def dot(one: list[float], other: list[float]) -> float:
    """The sum of the products."""
    total: float = sum(map(mul, one, other))
    return total
