"""The distribution that the weights of an arm are drawn from: a common mean, and how far arms differ."""

from typing import Any, Final, NamedTuple

import numpy as np

from operators.bandits.meta_prior import MetaPrior, fit_meta_priors
from operators.bandits.posterior_covariances import posterior_covariances
from operators.bandits.regression import common_mean
from operators.bandits.standardization import Standardization
from operators.bandits.sufficient_statistics import NEW_ARM, Floats, Indices, SufficientStatistics

FEWEST: Final = 8
"""Updates before the prior is learned: fewer determine no variance over arms."""
SHARED_LEVEL: Final = 1e-3
"""The first precision of the intercept of the common mean: hardly anything is assumed of it."""


class PriorSettings(NamedTuple):
    """How alike arms are assumed to be at first, as precisions in updates' worth of evidence.

    Little evidence lets the first updates of an arm count. These numbers were found by measuring regret in
    simulated worlds (docs/explanation/policies.md), not per shop.

    Attributes
    ----------
    level
        Precision of the mean reward of an arm.
    slope
        Precision of a weight, times every column and every arm there is, so that features are assumed to
        explain 32 times the noise, summed over features and arms: the more arms share the updates, the less
        of each can be learned, and the more alike they begin.
    noise
        Updates by which the noise of an arm is shrunk towards that of all arms.
    learned
        Whether updates change level and slope.
    """

    level: float = 1.0
    slope: float = 1.0 / 32.0
    noise: float = 4.0
    learned: bool = True


class HierarchicalPrior:
    """The mean of the weights over arms, and two precisions: that of this mean, and that of an arm around it.

    Precisions are in updates' worth of evidence and decay as updates do.

    Attributes
    ----------
    mean
        Shape (width,).
    precisions
        Shape (2, width, width): of the mean, of an arm.
    """

    __slots__ = ("mean", "own", "precisions", "settings", "shared")

    def __init__(self, settings: PriorSettings, width: int) -> None:
        self.settings = settings
        self.mean = np.zeros(width)
        self.precisions = np.zeros((2, width, width))
        self.own = self.shared = MetaPrior(settings.level, settings.slope)

    def fit(
        self, statistics: SufficientStatistics, updates: int, scale: Standardization, groups: Indices
    ) -> None:
        """Fit the meta-priors to so many updates, whatever they were before.

        ``groups`` has one entry for each column in use.
        """
        arms = len(statistics.squares) - NEW_ARM - 1
        slope = self.settings.slope * max(1, len(groups) - 1) * max(2, arms)
        first = (MetaPrior(SHARED_LEVEL, 1.0), MetaPrior(self.settings.level, slope))
        self.shared, self.own = first
        if self.settings.learned and updates >= FEWEST and arms > 1:
            self.shared, self.own = fit_meta_priors(statistics, scale, groups, first, self.settings.noise)

    def centre(self, statistics: SufficientStatistics, scale: Standardization, groups: Indices) -> None:
        """Set precisions and mean from the meta-priors and the updates they were fitted to.

        ``groups`` has one entry for each column there is space for.
        """
        shared, own = self.shared.precisions(groups), self.own.precisions(groups)
        self.precisions = scale.precision_matrices(shared, own)
        covariances = posterior_covariances(statistics.products, self.precisions)
        self.mean, _ = common_mean(statistics, self.precisions, covariances)

    def begin(self, new: Indices, groups: Indices, variance: Floats, decayed: float) -> tuple[Floats, Floats]:
        """Add the precisions of new columns and return them: of the common mean, and of an arm."""
        shared, own = (
            prior.precisions(groups)[new] * variance[new] * decayed for prior in (self.shared, self.own)
        )
        self.precisions[0, new, new], self.precisions[1, new, new] = shared, own
        return shared, own

    def widen(self, more: int) -> None:
        """Add columns without a prior; ``begin`` gives it to them."""
        self.precisions = np.pad(self.precisions, ((0, 0), (0, more), (0, more)))
        self.mean = np.pad(self.mean, (0, more))

    def state(self) -> tuple[Any, ...]:
        """Return everything in plain types and bytes."""
        return self.own.state(), self.shared.state(), self.mean.tobytes(), self.precisions.tobytes()

    @classmethod
    def restored(cls, settings: PriorSettings, state: tuple[Any, ...]) -> "HierarchicalPrior":
        """Return the prior that gave this ``state()``."""
        own, shared, mean, precisions = state
        centre = np.frombuffer(mean).copy()
        self = cls(settings, len(centre))
        self.own, self.shared, self.mean = MetaPrior.restored(own), MetaPrior.restored(shared), centre
        self.precisions = np.frombuffer(precisions).copy().reshape(self.precisions.shape)
        return self
