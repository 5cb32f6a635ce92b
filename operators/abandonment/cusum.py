"""How soon a share moved: Page's cumulative sum test of yes and no, on both sides of a level it learns."""

from math import log
from typing import Final

WARM_UP: Final = 500
MEMORY: Final = 5_000.0
ODDS: Final = 4.0
SURE: Final = 12.0
EDGE: Final = 0.02


class Run:
    """The evidence that the odds of a share were multiplied by ``times``, and what was seen meanwhile."""

    __slots__ = ("count", "evidence", "times", "yes")

    def __init__(self, times: float) -> None:
        self.times = times
        self.begin()

    def begin(self) -> None:
        """Hold nothing against the level."""
        self.evidence, self.count, self.yes = 0.0, 0, 0

    def update(self, level: float, y: bool) -> None:
        """Add the log likelihood ratio of one outcome; below nothing it begins anew."""
        moved = level * self.times / (1.0 - level + level * self.times)
        self.evidence += log(moved / level) if y else log((1.0 - moved) / (1.0 - level))
        if self.evidence <= 0.0:
            self.begin()
        else:
            self.count += 1
            self.yes += y


class Cusum:
    """Whether the share of True is still where it was: Page (1954), Bernoulli likelihoods (Reynolds 1999).

    The level is the mean of the last 5,000 outcomes, the first 500 only set it. A change is told when the
    evidence for odds four times as high, or as low, exceeds 12 nats since it was last nil: at a steady share
    that is no sooner than once in 160,000 outcomes (Lorden 1971). Bounded by nine numbers.
    """

    __slots__ = ("level", "runs", "seen")

    def __init__(self) -> None:
        self.level = 0.5
        self.seen = 0
        self.runs = (Run(ODDS), Run(1.0 / ODDS))

    def update(self, y: bool) -> tuple[float, float] | None:
        """The share before and after, when this outcome makes a change certain."""
        told = None
        if self.seen >= WARM_UP:
            level = min(max(self.level, EDGE), 1.0 - EDGE)
            for run in self.runs:
                run.update(level, y)
                if run.evidence > SURE:
                    told = self.level, run.yes / run.count
        self.seen += 1
        self.level += (y - self.level) / min(self.seen, MEMORY)
        if told is not None:
            self.level = told[1]
            for run in self.runs:
                run.begin()
            self.seen = WARM_UP
        return told
