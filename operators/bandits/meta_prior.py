"""What weights are like before their arm has lessons: learned, by groups of features, from all arms."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from operators.bandits.lessons import Floats, Lessons, everyone, newcomer
from operators.bandits.regression import Frame, common, fit, inverted

Places = NDArray[np.intp]

tied: Final = 4.0

sweeps: Final = 6


class MetaPrior:
    """The precision of weights by group, learned from the posteriors they have by now.

    Nabi, Nassif, Hong, Mamani, Imbens, 2022, "Bayesian Meta-Prior Learning Using Empirical Bayes": weights
    of one group are draws from one distribution, whose variance the posteriors of all of them tell. Found
    by MacKay's fixed point (1992, "Bayesian Interpolation"): the variance of a group is the sum of its
    squared posterior means by the number of its weights that the lessons determine.

    Group 0 is the intercept; every feature is a group. All groups but the intercept have a precision in
    common, ``rest``; a group is drawn towards it as far as the differences between groups may be chance.
    What level and rest begin with has the worth of ``tied`` weights each, and bounds how wide they become. A
    weight is measured in standard deviations of its feature, a precision in lessons: it is the noise's
    variance by the weight's. Bounded by the number of groups.
    """

    __slots__ = ("level", "rest", "slopes")

    def __init__(self, level: float, rest: float) -> None:
        self.level = level
        self.rest = rest
        self.slopes = np.zeros(0)

    def of(self, groups: Places) -> Floats:
        """The precision of weights of these groups; a group that is new has that of the rest."""
        table = np.full(max(len(self.slopes), int(groups.max()) + 1), self.rest)
        table[: len(self.slopes)] = self.slopes
        table[0] = self.level
        return table[groups]

    def fitted(self, squares: Floats, variances: Floats, groups: Places, last: "MetaPrior") -> "MetaPrior":
        """The prior once more fitted, from posteriors found under the prior ``last``.

        ``squares`` are squared distances of posterior means from the centre of the prior, ``variances``
        posterior variances, both by the noise's variance; arms by weights. ``groups``: weights.
        """
        known = np.clip(1.0 - last.of(groups) * variances, 0.0, 1.0).sum(axis=0)
        determined = np.bincount(groups, known)
        energy = np.bincount(groups, squares.sum(axis=0))
        found = MetaPrior(0.0, 0.0)
        # fewer lessons than columns leave no noise, beside which weights would seem to have no end
        least = (tied / (tied + determined.sum())) ** 2
        found.level = float(max((tied + determined[0]) / (tied / self.level + energy[0]), least * self.level))
        told = tied + determined[1:].sum()
        found.rest = float(max(told / (tied / self.rest + energy[1:].sum()), least * self.rest))
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
        """All there is to know, in plain types and bytes."""
        return self.level, self.rest, self.slopes.tobytes()

    @classmethod
    def resumed(cls, state: tuple[Any, ...]) -> "MetaPrior":
        """The prior whose ``state()`` this was."""
        level, rest, slopes = state
        self = cls(level, rest)
        self.slopes = np.frombuffer(slopes).copy()
        return self


def learned(
    lessons: Lessons, frame: Frame, groups: Places, first: tuple[MetaPrior, MetaPrior], like: float
) -> tuple[MetaPrior, MetaPrior]:
    """Both priors fitted to the lessons, from the first: of what all arms share, of what is an arm's own.

    ``groups`` has one entry for each column in use; ``like`` is that of ``fit``.
    """
    size, (shared, own) = len(groups), first
    wide = np.pad(groups, (0, len(frame.centre) - size))
    for _ in range(sweeps):
        priors = frame.priors(shared.of(wide), own.of(wide))
        inverse = inverted(lessons.products, priors)
        mean, covariance = common(lessons, priors, inverse)
        weights, noise, _ = fit(lessons, priors, inverse, mean, like)
        if not (noise > 0.0).all():
            break
        squares, variances = frame.standard(weights - mean, inverse)
        arms = slice(newcomer + 1, None)
        own = first[1].fitted((squares / noise[:, None])[arms, :size], variances[arms, :size], groups, own)
        squares, variances = frame.standard(mean[None], covariance[None])
        shared = first[0].fitted(squares[:, :size] / noise[everyone], variances[:, :size], groups, shared)
    return shared, own
