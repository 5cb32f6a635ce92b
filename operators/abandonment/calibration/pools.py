"""Outcomes counted by the log-odds of their predictions, and pooled until each pool says something."""

from math import log
from typing import Final, NamedTuple

FURTHEST: Final = 12.0
"""Log-odds beyond this, six in a million, fall into the last bin."""
BINS_PER_UNIT: Final = 8
BINS: Final = int(2 * FURTHEST * BINS_PER_UNIT)
LEAST_OF_A_KIND: Final = 2.0
"""A pool whose rate is to be estimated expects this many of the rarer outcome,"""
MANY_OF_A_KIND: Final = 10.0
"""or has received this many of it against expectation."""


class Pool(NamedTuple):
    """Neighbouring bins together: outcomes, the sum of their predictions, how many of them were True."""

    size: float
    predicted: float
    true: float

    @property
    def mean(self) -> float:
        """The mean prediction."""
        return self.predicted / self.size

    @property
    def rate(self) -> float:
        """The share of True."""
        return self.true / self.size

    @property
    def log_odds(self) -> float:
        """The log-odds of the mean prediction."""
        return log(self.predicted / (self.size - self.predicted))

    def is_telling(self, enough: float) -> bool:
        """Whether it has enough outcomes, and a few of either kind were expected or many came."""
        yes = self.predicted >= LEAST_OF_A_KIND or self.true >= MANY_OF_A_KIND
        no = self.size - self.predicted >= LEAST_OF_A_KIND or self.size - self.true >= MANY_OF_A_KIND
        return self.size >= enough and yes and no

    def merged(self, size: float, predicted: float, true: float) -> "Pool":
        """Both together."""
        return Pool(self.size + size, self.predicted + predicted, self.true + true)


EMPTY: Final = Pool(0.0, 0.0, 0.0)


class OutcomeBins:
    """Decaying counts of outcomes in 192 bins of log-odds. Bounded by three numbers a bin."""

    __slots__ = ("counts", "predicted", "true")

    def __init__(self) -> None:
        self.counts, self.predicted, self.true = [0.0] * BINS, [0.0] * BINS, [0.0] * BINS

    def add(self, log_odds: float, p: float, y: bool, w: float) -> None:
        """Count one outcome of the prediction ``p``, given with its log-odds, ``w`` times."""
        place = min(max(int((log_odds + FURTHEST) * BINS_PER_UNIT), 0), BINS - 1)
        self.counts[place] += w
        self.predicted[place] += w * p
        self.true[place] += w * y

    def decay(self, keep: float) -> None:
        """Let every outcome so far count ``keep`` times what it did."""
        for sums in (self.counts, self.predicted, self.true):
            sums[:] = [keep * value for value in sums]

    def pools(self, most: int) -> list[Pool]:
        """At most ``most`` pools of about equal size in ascending order, fewer where one outcome is rare."""
        enough = sum(self.counts) / most
        pools: list[Pool] = []
        pool = EMPTY
        for count, predicted, true in zip(self.counts, self.predicted, self.true, strict=True):
            if count:
                pool = pool.merged(count, predicted, true)
                if pool.is_telling(enough):
                    pools.append(pool)
                    pool = EMPTY
        if pools and not pool.is_telling(enough / 2):
            pool = pool.merged(*pools.pop())
        return [*pools, pool]
