"""The importance weights of one target policy on a log."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

LOG_BINS: Final = 60
DECADES: Final = 6.0
LEAST_POWER: Final = -2.0
MAX_WEIGHT: Final = 1e12
"""Weights are cut here: an arm with a smaller propensity than its inverse was hardly ever drawn."""


class ImportanceWeights:
    """A histogram of weights by their logarithm, their sum and their sum of squares."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(LOG_BINS, dtype=np.int64)
        self.total = self.squares = self.largest = 0.0

    def add(self, weight: float) -> None:
        """Add the weight of a decision."""
        place = int((math.log10(max(weight, 1e-9)) - LEAST_POWER) / DECADES * LOG_BINS)
        self.counts[min(max(place, 0), LOG_BINS - 1)] += 1
        self.total += weight
        self.squares += weight * weight
        self.largest = max(self.largest, weight)

    @property
    def size(self) -> float:
        """The effective sample size (Kish, 1965): how many equal weights tell as much."""
        return self.total**2 / self.squares if self.squares else 0.0


def bin_middles(bins: int) -> NDArray[np.float64]:
    """Return the middle of each bin of the histogram.

    >>> bin_middles(3).round(1).tolist()
    [0.1, 10.0, 1000.0]
    """
    middles: NDArray[np.float64] = 10 ** ((np.arange(bins) + 0.5) / bins * DECADES + LEAST_POWER)
    return middles
