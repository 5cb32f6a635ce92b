"""What the weights of an arm are drawn from: a mean that all arms share, and how far they differ."""

from typing import Any, Final, NamedTuple

import numpy as np

from operators.bandits.lessons import Floats, Lessons, newcomer
from operators.bandits.meta_prior import MetaPrior, Places, learned
from operators.bandits.regression import Frame, common, inverted

fewest: Final = 8


class Ties(NamedTuple):
    """How much an arm is like the others, in lessons' worth of evidence, before any lesson tells.

    That little is believed at first lets an arm's own first lessons count. ``level``: of what the arm earns
    in the mean; ``slope``: of the weight of a column, for every column and every arm there is, so that what
    features tell of the arms, summed over both, is believed to be 32 times the noise, however many they are:
    the more arms share the lessons, the less of each can be learned, and the more alike they begin.
    ``noise``: how many lessons of all arms an arm's noise is shrunk by. ``keep``: what a lesson counts after
    one more. ``learned``: whether lessons change level and slope.
    """

    level: float = 1.0
    slope: float = 1.0 / 32.0
    noise: float = 4.0
    keep: float = 1.0
    learned: bool = True


class Hierarchy:
    """The mean of the weights over arms, and two precision matrices: of that mean, and of an arm around it.

    Shapes: width; two by width by width. Precisions are in lessons' worth and fade as lessons do.
    """

    __slots__ = ("mean", "own", "priors", "shared", "ties")

    def __init__(self, ties: Ties, width: int) -> None:
        self.ties = ties
        self.mean = np.zeros(width)
        self.priors = np.zeros((2, width, width))
        self.own = self.shared = MetaPrior(ties.level, ties.slope)

    def learn(self, lessons: Lessons, told: int, frame: Frame, groups: Places) -> None:
        """Fits the meta-priors to lessons, ``told`` by number, whatever they were before.

        ``groups`` has one entry for each column in use.
        """
        arms = len(lessons.squares) - newcomer - 1
        slope = self.ties.slope * max(1, len(groups) - 1) * max(2, arms)
        first = (MetaPrior(1e-3, 1.0), MetaPrior(self.ties.level, slope))
        self.shared, self.own = first
        if self.ties.learned and told >= fewest and arms > 1:
            self.shared, self.own = learned(lessons, frame, groups, first, self.ties.noise)

    def centre(self, lessons: Lessons, frame: Frame, groups: Places) -> None:
        """Precisions and mean, by the meta-priors and the lessons they were fitted to.

        ``groups`` has one entry for each column there is room for.
        """
        self.priors = frame.priors(self.shared.of(groups), self.own.of(groups))
        self.mean, _ = common(lessons, self.priors, inverted(lessons.products, self.priors))

    def begin(self, new: Places, groups: Places, variance: Floats, faded: float) -> tuple[Floats, Floats]:
        """The precisions of new columns, of the shared mean and of an arm's own; they enter the matrices."""
        shared, own = (prior.of(groups)[new] * variance[new] * faded for prior in (self.shared, self.own))
        self.priors[0, new, new], self.priors[1, new, new] = shared, own
        return shared, own

    def widen(self, more: int) -> None:
        """Adds columns of which nothing is believed."""
        self.priors = np.pad(self.priors, ((0, 0), (0, more), (0, more)))
        self.mean = np.pad(self.mean, (0, more))

    def state(self) -> tuple[Any, ...]:
        """All there is to know, in plain types and bytes."""
        return self.own.state(), self.shared.state(), self.mean.tobytes(), self.priors.tobytes()

    @classmethod
    def resumed(cls, ties: Ties, state: tuple[Any, ...]) -> "Hierarchy":
        """The hierarchy whose ``state()`` this was."""
        own, shared, mean, priors = state
        centre = np.frombuffer(mean).copy()
        self = cls(ties, len(centre))
        self.own, self.shared, self.mean = MetaPrior.resumed(own), MetaPrior.resumed(shared), centre
        self.priors = np.frombuffer(priors).copy().reshape(self.priors.shape)
        return self
