"""A mean per decision whose interval respects that decisions of one visitor are not independent."""

from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

GROUPS: Final = 1024


class RatioInterval(NamedTuple):
    """A mean and the ends of its interval; the ends are infinite where too little is known."""

    mean: float
    low: float
    high: float


class ClusteredRatio:
    """The sum of values divided by the number of decisions, accumulated by groups of visitors.

    Its variance is that of a ratio of sums over independent groups, linearised (the delta method: Deng,
    Knoblich, Lu, 2018, "Applying the Delta Method in Metric Analytics", section 3). Two ratios over the same
    visitors can be compared in pairs.

    Parameters
    ----------
    groups
        Visitors are hashed into so many groups, so a visitor stays in one piece and memory does not grow.

    Attributes
    ----------
    totals, counts
        Sums of values and numbers of decisions, each of shape (groups,).
    """

    def __init__(self, groups: int = GROUPS) -> None:
        self.totals: Floats = np.zeros(groups)
        self.counts: Floats = np.zeros(groups)

    def add(self, visitor: str, value: float, count: int = 1) -> None:
        """Add a value of so many decisions (0: it changes one that was counted before)."""
        group = crc32(visitor.encode()) % len(self.totals)
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
        """Return how much each group moves the mean, (groups,); the entries sum to zero."""
        away: Floats = self.totals - self.mean * self.counts
        return away / max(float(self.counts.sum()), 1.0)

    def interval(self, level: float = 0.95) -> RatioInterval:
        """Return the mean with its two-sided interval at a confidence level."""
        return _around(self.mean, self.influence(), int(np.count_nonzero(self.counts)), level)


def difference(one: ClusteredRatio, other: ClusteredRatio, level: float = 0.95) -> RatioInterval:
    """Return the mean of one minus that of the other, over the same visitors, with a paired interval."""
    met = int(np.count_nonzero(one.counts + other.counts))
    return _around(one.mean - other.mean, one.influence() - other.influence(), met, level)


def _around(mean: float, influence: Floats, groups: int, level: float) -> RatioInterval:
    if groups < 2:
        return RatioInterval(mean, -np.inf, np.inf)
    deviation = float(np.sqrt(np.square(influence).sum() * groups / (groups - 1)))
    reach = float(stdtrit(groups - 1, 0.5 + level / 2)) * deviation
    return RatioInterval(mean, mean - reach, mean + reach)
