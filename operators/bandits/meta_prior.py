"""The prior of an arm without updates, learned from all arms by groups of features."""

from typing import Any, Final

import numpy as np

from operators.bandits.posterior_covariances import posterior_covariances
from operators.bandits.regression import common_mean, fit_regressions
from operators.bandits.standardization import Standardization
from operators.bandits.sufficient_statistics import NEW_ARM, POOLED, Floats, Indices, SufficientStatistics

PRIOR_WEIGHTS: Final = 4.0
"""The first precisions count as much as so many weights; it also bounds how wide a learned prior can get."""
SWEEPS: Final = 6
"""Rounds of the fixed point; each begins where the last one ended, and further ones change little."""


class MetaPrior:
    """The precision of weights by group of features, learned from the posteriors of all arms.

    Nabi, Nassif, Hong, Mamani, Imbens, 2022, "Bayesian Meta-Prior Learning Using Empirical Bayes": the
    weights of one group are draws from one distribution, whose variance follows from their posteriors. It is
    found by MacKay's fixed point (1992, "Bayesian Interpolation"): the variance of a group is the sum of its
    squared posterior means divided by the number of its weights that the updates determine.

    Group 0 is the intercept, every feature is a group. All groups but the intercept have a precision in
    common, ``rest``; a group is drawn towards it as far as the differences between groups may be chance. A
    weight is measured per deviation of its feature, a precision in updates: it is the noise variance divided
    by that of the weight. Bounded by the number of groups.
    """

    __slots__ = ("level", "rest", "slopes")

    def __init__(self, level: float, rest: float) -> None:
        self.level = level
        self.rest = rest
        self.slopes = np.zeros(0)

    def precisions(self, groups: Indices) -> Floats:
        """Return the precision of weights of these groups, that of the rest for a new group."""
        table = np.full(max(len(self.slopes), int(groups.max()) + 1), self.rest)
        table[: len(self.slopes)] = self.slopes
        table[0] = self.level
        return table[groups]

    def refitted(self, squares: Floats, variances: Floats, groups: Indices, last: "MetaPrior") -> "MetaPrior":
        """Return this first prior refitted to posteriors that were found under the prior ``last``.

        ``squares`` are squared distances of posterior means from the mean of the prior, ``variances``
        posterior variances, both divided by the noise variance, of shape (arms, weights); ``groups`` is of
        shape (weights,).
        """
        known = np.clip(1.0 - last.precisions(groups) * variances, 0.0, 1.0).sum(axis=0)
        determined = np.bincount(groups, known)
        energy = np.bincount(groups, squares.sum(axis=0))
        found = MetaPrior(0.0, 0.0)
        # with fewer updates than columns no noise is left, and compared with it weights would be unbounded
        least = (PRIOR_WEIGHTS / (PRIOR_WEIGHTS + determined.sum())) ** 2
        level = (PRIOR_WEIGHTS + determined[0]) / (PRIOR_WEIGHTS / self.level + energy[0])
        found.level = float(max(level, least * self.level))
        count = PRIOR_WEIGHTS + determined[1:].sum()
        found.rest = float(max(count / (PRIOR_WEIGHTS / self.rest + energy[1:].sum()), least * self.rest))
        # groups differ as far as their estimates do beyond chance, which is 2/n for a logarithm of a variance
        ratios = np.log((0.25 + determined) / (0.25 + found.rest * energy))
        chance = 2.0 / (0.25 + determined)
        weights = determined * (np.arange(len(determined)) > 0)
        beyond = weights @ (ratios**2 - chance) / max(float(weights.sum()), 1.0)
        differ = max(float(beyond), 0.0)
        slopes = found.rest * np.exp(ratios * differ / (differ + chance))
        found.slopes = np.maximum(slopes, least * self.rest)
        return found

    def state(self) -> tuple[Any, ...]:
        """Return everything in plain types and bytes."""
        return self.level, self.rest, self.slopes.tobytes()

    @classmethod
    def restored(cls, state: tuple[Any, ...]) -> "MetaPrior":
        """Return the prior that gave this ``state()``."""
        level, rest, slopes = state
        self = cls(level, rest)
        self.slopes = np.frombuffer(slopes).copy()
        return self


def fit_meta_priors(
    statistics: SufficientStatistics,
    scale: Standardization,
    groups: Indices,
    first: tuple[MetaPrior, MetaPrior],
    shrinkage: float,
) -> tuple[MetaPrior, MetaPrior]:
    """Return both priors fitted to the updates, beginning at ``first``: of the mean over arms, of an arm.

    ``groups`` has one entry for each column in use; ``shrinkage`` is that of ``fit_regressions``.
    """
    size, (shared, own) = len(groups), first
    wide = np.pad(groups, (0, len(scale.centre) - size))
    for _ in range(SWEEPS):
        precisions = scale.precision_matrices(shared.precisions(wide), own.precisions(wide))
        covariances = posterior_covariances(statistics.products, precisions)
        mean, covariance = common_mean(statistics, precisions, covariances)
        weights, noise, _ = fit_regressions(statistics, precisions, covariances, mean, shrinkage)
        if not (noise > 0.0).all():
            break
        squares, variances = scale.squares(weights - mean, covariances)
        arms = slice(NEW_ARM + 1, None)
        own = first[1].refitted((squares / noise[:, None])[arms, :size], variances[arms, :size], groups, own)
        squares, variances = scale.squares(mean[None], covariance[None])
        shared = first[0].refitted(squares[:, :size] / noise[POOLED], variances[:, :size], groups, shared)
    return shared, own
