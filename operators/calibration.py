"""Online calibration: what a model says is mapped to how often it comes true."""

from bisect import bisect_right
from math import exp, log
from typing import Final

STEEPEST: Final = 5.0
FLATTEST: Final = 0.05
BINS: Final = 20
EVERY: Final = 100
SLOPE: Final = 0.02


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


class Bend:
    """What Platt's curve cannot say: a rising broken line from a probability to how often it came true.

    Outcomes are counted in 20 bins of probability, the older the less (``memory``). How far the line leaves
    the diagonal is shrunk by what chance alone would explain: over a good curve it stays nearly straight.
    Redrawn every 100 outcomes.
    """

    __slots__ = ("at", "counts", "due", "keep", "said", "to", "true")

    def __init__(self, memory: float = 5_000.0) -> None:
        self.keep = 1.0 - 1.0 / memory
        self.counts, self.said, self.true = [0.0] * BINS, [0.0] * BINS, [0.0] * BINS
        self.at: list[float] = [0.0, 1.0]
        self.to: list[float] = [0.0, 1.0]
        self.due = EVERY

    def __call__(self, p: float) -> float:
        """How often a probability came true, strictly between 0 and 1."""
        at, to = self.at, self.to
        right = min(max(bisect_right(at, p), 1), len(at) - 1)
        left = right - 1
        part = (p - at[left]) / (at[right] - at[left])
        return min(max(to[left] + part * (to[right] - to[left]), 1e-6), 1.0 - 1e-6)

    def learn(self, p: float, y: bool, w: float = 1.0) -> None:
        """Count one outcome."""
        place = min(int(p * BINS), BINS - 1)
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
        bins = [place for place in range(BINS) if self.counts[place] >= 1.0]
        sizes = [self.counts[place] for place in bins]
        said = [min(max(self.said[place] / self.counts[place], 1e-9), 1.0 - 1e-9) for place in bins]
        gaps = [self.true[place] / self.counts[place] - p for place, p in zip(bins, said, strict=True)]
        chance = [max(p * (1.0 - p), 0.01) / n for n, p in zip(sizes, said, strict=True)]
        beyond = sum(n * (gap**2 - c) for n, gap, c in zip(sizes, gaps, chance, strict=True))
        beyond = max(beyond / max(sum(sizes), 1.0), 0.0)
        goals = [p + gap * beyond / (beyond + c) for p, gap, c in zip(said, gaps, chance, strict=True)]
        line = pooled(goals, sizes)
        if line:  # beyond its ends the line runs on in parallel to the diagonal
            line = [max(line[0] - said[0], 0.0), *line, min(1.0 + line[-1] - said[-1], 1.0)]
        else:
            line = [0.0, 1.0]
        self.at = [0.0, *said, 1.0]
        # The slight slope keeps the ranks of probabilities that the line would make equal.
        self.to = [(1.0 - SLOPE) * to + SLOPE * at for at, to in zip(self.at, line, strict=True)]


def pooled(values: list[float], weights: list[float]) -> list[float]:
    """The nearest values that never fall, by pooling adjacent violators.

    >>> pooled([0.1, 0.4, 0.2, 0.9], [1.0, 1.0, 1.0, 1.0])
    [0.1, 0.30000000000000004, 0.30000000000000004, 0.9]
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, size, count = value, weight, 1
        while pools and pools[-1][0] >= mean:
            before, bulk, more = pools.pop()
            mean, size, count = (before * bulk + mean * size) / (bulk + size), bulk + size, count + more
        pools.append((mean, size, count))
    return [mean for mean, _, count in pools for _ in range(count)]


def odds(p: float) -> float:
    """The log-odds of a probability strictly between 0 and 1."""
    return log(p / (1.0 - p))
