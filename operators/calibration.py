"""Online calibration: what a model says is mapped to how often it comes true."""

from math import exp, log
from typing import Final

STEEPEST: Final = 5.0
FLATTEST: Final = 0.05
TENTS: Final = 20


class Platt:
    """A logistic curve over the log-odds of a score, learned one outcome at a time.

    Each outcome is one Newton step on discounted curvature, so that the curve follows the last ``memory``
    outcomes (Platt 1999, made online). The slope stays positive: ranks, and with them AUC, are kept.
    """

    __slots__ = ("cross", "flat", "keep", "offset", "slope", "steep")

    def __init__(self, memory: float = 2_000.0, prior: float = 20.0) -> None:
        self.keep = 1.0 - 1.0 / memory
        self.slope, self.offset = 1.0, 0.0
        self.steep, self.cross, self.flat = prior, 0.0, prior / 4.0

    def __call__(self, odds: float) -> float:
        """The calibrated probability of a score given as log-odds."""
        z = self.slope * odds + self.offset
        return 1.0 / (1.0 + exp(-min(max(z, -20.0), 20.0)))

    def learn(self, odds: float, y: bool, w: float = 1.0) -> None:
        """Move the curve towards one outcome."""
        p = self(odds)
        error, bend = w * (y - p), w * max(p * (1.0 - p), 0.01)
        self.steep = self.keep * self.steep + bend * odds * odds
        self.cross = self.keep * self.cross + bend * odds
        self.flat = self.keep * self.flat + bend
        size = self.steep * self.flat - self.cross * self.cross + 1e-9
        slope = self.slope + error * (self.flat * odds - self.cross) / size
        self.slope = min(max(slope, FLATTEST), STEEPEST)
        self.offset += error * (self.steep - self.cross * odds) / size


class Tracking:
    """The last word on a probability: what was missed around it so far is made good, one outcome at a time.

    Residuals are summed at 21 evenly spaced probabilities, each outcome shared by its two neighbours, and a
    probability's log-odds move by the sum beside it over ``patience``. What is missed around any probability
    is then at most ``patience`` times how far its correction has moved, however many outcomes there are:
    tracking in the sense of calibeating (Foster and Hart 2023; Gupta and Ramdas 2023).
    """

    __slots__ = ("patience", "sums")

    def __init__(self, patience: float = 75.0) -> None:
        self.patience = patience
        self.sums = [0.0] * (TENTS + 1)

    def __call__(self, p: float) -> float:
        """The corrected probability, strictly between 0 and 1 as ``p`` is."""
        left = int(p * TENTS)
        part = p * TENTS - left
        missed = (1.0 - part) * self.sums[left] + part * self.sums[left + 1]
        times = exp(min(max(missed / self.patience, -5.0), 5.0))
        return p * times / (1.0 - p + p * times)

    def learn(self, p: float, y: bool, w: float = 1.0) -> None:
        """Add what the corrected ``p`` missed."""
        left = int(p * TENTS)
        part = p * TENTS - left
        missed = w * (y - self(p))
        self.sums[left] += (1.0 - part) * missed
        self.sums[left + 1] += part * missed


def odds(p: float) -> float:
    """The log-odds of a probability strictly between 0 and 1."""
    return log(p / (1.0 - p))
