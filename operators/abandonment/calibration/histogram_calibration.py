"""Two lines from what a model says to how often it came true: one that never falls, and a free one."""

from bisect import bisect_right
from math import exp, log
from typing import Final, NamedTuple

from operators.abandonment.calibration.tracking_calibration import SMALL

FURTHEST: Final = 12.0
PER_UNIT: Final = 8
BINS: Final = int(2 * FURTHEST * PER_UNIT)
EVERY: Final = 50
MOST: Final = 50.0
PARTS: Final = 20
LEAST: Final = 2.0
MANY: Final = 10.0


class Pool(NamedTuple):
    """Neighbouring bins together: outcomes, the sum of what was said of them, how many came true."""

    size: float
    said: float
    true: float

    def speaks(self, enough: float) -> bool:
        """Whether it holds enough outcomes, and a few of either kind were to be expected or many came."""
        yes = self.said >= LEAST or self.true >= MANY
        no = self.size - self.said >= LEAST or self.size - self.true >= MANY
        return self.size >= enough and yes and no


class Bend:
    """Histogram recalibration with shrinkage, redrawn every 50 outcomes.

    Outcomes are counted in 192 bins of log-odds, the older the less (``memory``), and pooled to twenty of
    about equal size, fewer where one kind of outcome is rare. The free line follows the pools wherever they
    leave the diagonal, and so can put a score in order that is wrong in places; the rising one follows their
    best rising fit. How far either goes is shrunk by what chance, and gaps of 0.01, would explain (James and
    Stein 1961): over a score that is right, or as good as right, both stay nearly straight.
    """

    __slots__ = ("at", "counts", "due", "free", "keep", "rising", "said", "true")

    def __init__(self, memory: float = 2_000.0) -> None:
        self.keep = 1.0 - 1.0 / memory
        self.counts, self.said, self.true = [0.0] * BINS, [0.0] * BINS, [0.0] * BINS
        self.at: list[float] = [0.0]
        self.rising: list[float] = [0.0]
        self.free: list[float] = [0.0]
        self.due = EVERY

    def __call__(self, odds: float, p: float) -> tuple[float, float]:
        """How often a probability came true by the rising and by the free line."""
        at, rising, free = self.at, self.rising, self.free
        right = bisect_right(at, odds)
        if right == 0 or right == len(at):
            end = 0 if right == 0 else -1
            up, any_way = rising[end], free[end]
        else:
            left = right - 1
            part = (odds - at[left]) / (at[right] - at[left])
            up = rising[left] + part * (rising[right] - rising[left])
            any_way = free[left] + part * (free[right] - free[left])
        odd = p / (1.0 - p)
        up, any_way = odd * exp(up), odd * exp(any_way)
        return up / (1.0 + up), any_way / (1.0 + any_way)

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
        self.at = [log(pool.said / (pool.size - pool.said)) for pool in pools]
        self.free = shrunk([(pool.true - pool.said) / pool.size for pool in pools], pools, len(pools))
        heights = rising([(pool.true / pool.size, pool.size) for pool in pools])
        gaps = [height - pool.said / pool.size for height, pool in zip(heights, pools, strict=True)]
        self.rising = shrunk(gaps, pools, len(set(heights)))

    def _pools(self) -> list[Pool]:
        enough = sum(self.counts) / PARTS
        pools: list[Pool] = []
        pool = Pool(0.0, 0.0, 0.0)
        for count, said, true in zip(self.counts, self.said, self.true, strict=True):
            if count:
                pool = Pool(pool.size + count, pool.said + said, pool.true + true)
                if pool.speaks(enough):
                    pools.append(pool)
                    pool = Pool(0.0, 0.0, 0.0)
        if pools and not pool.speaks(enough / 2):
            last = pools.pop()
            pool = Pool(*(mine + its for mine, its in zip(pool, last, strict=True)))
        return [*pools, pool]


def shrunk(gaps: list[float], pools: list[Pool], freedom: int) -> list[float]:
    """How far the log-odds move: over the share of each gap that chance and trifles, so free, leave."""
    ratio = 0.0
    for gap, pool in zip(gaps, pools, strict=True):
        p = pool.said / pool.size
        ratio += gap * gap / (p * (1.0 - p) / pool.size + SMALL * SMALL)
    kept = max(1.0 - freedom / ratio, 0.0) if ratio > 0.0 else 0.0
    return [shift(pool.said / pool.size, kept * gap) for gap, pool in zip(gaps, pools, strict=True)]


def shift(p: float, gap: float) -> float:
    """How far the log-odds move from ``p`` over the gap, to at most 50 times nearer to either end."""
    to = min(max(p + gap, p / MOST), 1.0 - (1.0 - p) / MOST)
    return log(to / (1.0 - to) * (1.0 - p) / p)


def rising(heights: list[tuple[float, float]]) -> list[float]:
    """The line nearest to the weighted heights that never falls: neighbours that would are pooled.

    >>> rising([(0.125, 1.0), (0.75, 1.0), (0.25, 3.0)])
    [0.125, 0.375, 0.375]
    """
    steps: list[tuple[float, float, int]] = []
    for height, weight in heights:
        step = (height, weight, 1)
        while steps and steps[-1][0] >= step[0]:
            before = steps.pop()
            total = before[1] + step[1]
            step = ((before[0] * before[1] + step[0] * step[1]) / total, total, before[2] + step[2])
        steps.append(step)
    return [height for height, _, count in steps for _ in range(count)]
