"""A mean per decision with an interval that knows that decisions of one visitor go together."""

from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

GROUPS: Final = 1024
"""Visitors are hashed into so many groups: whole visitors stay together, and memory does not grow."""


class Interval(NamedTuple):
    """A mean and the ends of its interval; the ends are infinite where too little is known."""

    mean: float
    low: float
    high: float


class Ratio:
    """The sum of values over the number of decisions, kept by groups of visitors.

    Its variance is that of a ratio of sums over independent groups by linearisation, the delta method (Deng,
    Knoblich, Lu, 2018, "Applying the Delta Method in Metric Analytics", section 3). Two ratios over the same
    visitors can be compared in pairs. Bounded by ``GROUPS``.
    """

    def __init__(self) -> None:
        self.totals: Floats = np.zeros(GROUPS)
        self.counts: Floats = np.zeros(GROUPS)

    def add(self, visitor: str, value: float, count: int = 1) -> None:
        """Add a value of so many decisions (0: it changes one that was counted before)."""
        group = crc32(visitor.encode()) % GROUPS
        self.totals[group] += value
        self.counts[group] += count

    @property
    def count(self) -> int:
        """The number of decisions."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """The value per decision; 0 before the first."""
        return float(self.totals.sum() / self.counts.sum()) if self.counts.any() else 0.0

    def influence(self) -> Floats:
        """How much each group moves the mean; they sum to zero."""
        away: Floats = self.totals - self.mean * self.counts
        return away / max(float(self.counts.sum()), 1.0)

    def interval(self, level: float = 0.95) -> Interval:
        """The mean with its two-sided interval."""
        return _around(self.mean, self.influence(), int(np.count_nonzero(self.counts)), level)


def difference(one: Ratio, other: Ratio, level: float = 0.95) -> Interval:
    """The mean of one less that of the other, over the same visitors, with an interval of the pairs."""
    met = int(np.count_nonzero(one.counts + other.counts))
    return _around(one.mean - other.mean, one.influence() - other.influence(), met, level)


def _around(mean: float, influence: Floats, groups: int, level: float) -> Interval:
    if groups < 2:
        return Interval(mean, -np.inf, np.inf)
    deviation = float(np.sqrt(np.square(influence).sum() * groups / (groups - 1)))
    reach = float(stdtrit(groups - 1, 0.5 + level / 2)) * deviation
    return Interval(mean, mean - reach, mean + reach)
