"""What no logistic curve can say of a score: a free line from a probability to how often it came true."""

from bisect import bisect_right
from typing import Final, NamedTuple

FURTHEST: Final = 8.0
PER_UNIT: Final = 10
BINS: Final = int(2 * FURTHEST * PER_UNIT)
EVERY: Final = 100
MOST: Final = 50.0
PARTS: Final = 20
LEAST: Final = 5.0


class Pool(NamedTuple):
    """Neighbouring bins together: outcomes, sum of what was said of them, how many came true."""

    size: float
    said: float
    true: float


class Bend:
    """A broken line over probabilities: histogram recalibration with shrinkage, redrawn every 100 outcomes.

    Outcomes are counted in 160 bins of log-odds, the older the less (``memory``), and pooled to twenty of
    about equal size. How far each may leave the diagonal is shrunk by what chance alone would explain
    (James and Stein 1961): over a good curve the line stays nearly straight. It may fall where the evidence
    is strong: a score under which the less likely comes true more often is put in order, and AUC gains.
    """

    __slots__ = ("at", "counts", "due", "gaps", "keep", "said", "true")

    def __init__(self, memory: float = 5_000.0) -> None:
        self.keep = 1.0 - 1.0 / memory
        self.counts, self.said, self.true = [0.0] * BINS, [0.0] * BINS, [0.0] * BINS
        self.at: list[float] = [0.5]
        self.gaps: list[float] = [0.0]
        self.due = EVERY

    def __call__(self, p: float) -> float:
        """How often a probability came true: strictly between 0 and 1, at most 50 times nearer to either."""
        at, gaps = self.at, self.gaps
        right = bisect_right(at, p)
        if right == 0:
            gap = gaps[0]
        elif right == len(at):
            gap = gaps[-1]
        else:
            left = right - 1
            gap = gaps[left] + (p - at[left]) / (at[right] - at[left]) * (gaps[right] - gaps[left])
        return min(max(p + gap, p / MOST), 1.0 - (1.0 - p) / MOST)

    def learn(self, odds: float, p: float, y: bool, w: float = 1.0) -> None:
        """Count one outcome of a probability, given with its log-odds."""
        place = min(max(int((odds + FURTHEST) * PER_UNIT), 0), BINS - 1)
        self.counts[place] += w
        self.said[place] += w * p
        self.true[place] += w * y
        self.due -= 1
        if not self.due:
            self.due = EVERY
            self._draw()

    def _draw(self) -> None:
        fade = self.keep**EVERY
        for sums in (self.counts, self.said, self.true):
            sums[:] = [fade * value for value in sums]
        pools = self._pools()
        at = [pool.said / pool.size for pool in pools]
        gaps = [(pool.true - pool.said) / pool.size for pool in pools]
        chance = [max(p * (1.0 - p), 1e-4) / pool.size for pool, p in zip(pools, at, strict=True)]
        ratio = sum(gap * gap / by_chance for gap, by_chance in zip(gaps, chance, strict=True)) / len(pools)
        kept = max(1.0 - 1.0 / ratio, 0.0) if ratio > 0.0 else 0.0
        self.at, self.gaps = at, [kept * gap for gap in gaps]

    def _pools(self) -> list[Pool]:
        enough = max(sum(self.counts) / PARTS, LEAST)
        pools: list[Pool] = []
        pool = Pool(0.0, 0.0, 0.0)
        for count, said, true in zip(self.counts, self.said, self.true, strict=True):
            if count:
                pool = Pool(pool.size + count, pool.said + said, pool.true + true)
                if pool.size >= enough:
                    pools.append(pool)
                    pool = Pool(0.0, 0.0, 0.0)
        if pools and pool.size < enough / 2:
            last = pools.pop()
            pool = Pool(pool.size + last.size, pool.said + last.said, pool.true + last.true)
        pools.append(pool)
        return pools
