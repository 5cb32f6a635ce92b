"""Normal-inverse-gamma regressions from sums: what the weights of each arm are, and how noisy its rewards."""

from typing import NamedTuple

import numpy as np

from operators.policies.lessons import Floats, Lessons, everyone, newcomer


class Fitted(NamedTuple):
    """Weights (rows by columns), noise variance and number of lessons of every row."""

    weights: Floats
    noise: Floats
    lessons: Floats


class Frame(NamedTuple):
    """Mean and variance of the features, by column; the mean of the intercept is one."""

    centre: Floats
    variance: Floats

    def priors(self, shared: Floats, own: Floats) -> Floats:
        """Two precision matrices, of what all arms share and of an arm's own, from precisions by column.

        Those are of weights measured in deviations of their feature; that of the intercept holds at the
        mean of all features.
        """
        precisions = np.stack([shared, own])
        found = precisions[:, :1, None] * self.centre[:, None] * self.centre
        found.reshape(2, -1)[:, :: len(self.centre) + 1] += precisions * self.variance
        found[:, 0, 0] = precisions[:, 0]
        return found


def inverted(products: Floats, priors: Floats) -> Floats:
    """The posterior covariance of every row by its noise, from sums of products and the two priors."""
    total = products + priors[1]
    total[everyone] = products[everyone] + priors[0]
    scale = 1.0 / np.sqrt(np.einsum("ijj->ij", total))
    both = scale[:, :, None] * scale[:, None, :]
    found: Floats = np.linalg.inv(total * both) * both
    return found


def fit(lessons: Lessons, priors: Floats, inverse: Floats, like: float) -> Fitted:
    """The posterior means; each arm's noise is shrunk to that of all arms by ``like`` lessons of it."""
    counts = lessons.products[:, 0, 0]
    shared = inverse[everyone] @ lessons.sums[everyone]
    shift = priors[newcomer] @ shared
    evidence = lessons.sums + shift
    evidence[everyone] -= shift
    weights = np.matmul(inverse, evidence[:, :, None])[:, :, 0]
    misfit = lessons.squares + shared @ shift - (weights * evidence).sum(axis=1)
    misfit[everyone] -= shared @ shift
    np.maximum(misfit, 0.0, out=misfit)
    total = counts[everyone]
    # before anything is known of the noise, rewards differ from nothing by as much as they are
    common = (misfit[everyone] + lessons.squares[everyone] / max(total, 1.0)) / (total + 1.0)
    return Fitted(weights, (misfit + like * common) / (counts + like), counts)
