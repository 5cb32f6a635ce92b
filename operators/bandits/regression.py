"""Normal-inverse-gamma regressions from sums: what the weights of each arm are, and how noisy its rewards."""

from typing import NamedTuple

import numpy as np

from operators.bandits.lessons import Floats, Lessons, everyone, newcomer


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

    def standard(self, weights: Floats, covariance: Floats) -> tuple[Floats, Floats]:
        """Squares of weights and their variances (rows by columns), measured in deviations of the features.

        For the intercept they hold at the mean of all features.
        """
        squares, variances = weights**2, np.einsum("ijj->ij", covariance) * self.variance
        squares *= self.variance
        squares[:, 0] = (weights @ self.centre) ** 2
        variances[:, 0] = (covariance @ self.centre) @ self.centre
        return squares, variances


def inverted(products: Floats, priors: Floats) -> Floats:
    """The posterior covariance of every row by its noise, from sums of products and the two priors."""
    total = products + priors[1]
    total[everyone] = products[everyone] + priors[0]
    scale = 1.0 / np.sqrt(np.einsum("ijj->ij", total))
    both = scale[:, :, None] * scale[:, None, :]
    found: Floats = np.linalg.inv(total * both) * both
    return found


def common(lessons: Lessons, priors: Floats, inverse: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance by the noise of what the weights of all arms are drawn around.

    Every arm has its say by what its lessons determine and by how far arms may differ: generalised least
    squares. A regression over all lessons would take for common what made the policy choose.
    """
    between, own = priors[newcomer], inverse[newcomer + 1 :]
    told = (own @ lessons.sums[newcomer + 1 :, :, None]).sum(axis=0)[:, 0]
    total = priors[everyone] + len(own) * between - between @ own.sum(axis=0) @ between
    scale = 1.0 / np.sqrt(total.diagonal())
    covariance: Floats = np.linalg.inv(total * scale[:, None] * scale) * scale[:, None] * scale
    return covariance @ (between @ told), covariance


def fit(lessons: Lessons, priors: Floats, inverse: Floats, mean: Floats, like: float) -> Fitted:
    """The posterior means around a common mean; each arm's noise is shrunk by ``like`` lessons of all."""
    counts = lessons.products[:, 0, 0]
    shift = priors[newcomer] @ mean
    evidence = lessons.sums + shift
    evidence[everyone] -= shift
    weights = np.matmul(inverse, evidence[:, :, None])[:, :, 0]
    misfit = lessons.squares + mean @ shift - (weights * evidence).sum(axis=1)
    misfit[everyone] -= mean @ shift
    np.maximum(misfit, 0.0, out=misfit)
    total = counts[everyone]
    # before anything is known of the noise, rewards differ from nothing by as much as they are
    noise = (misfit[everyone] + lessons.squares[everyone] / max(total, 1.0)) / (total + 1.0)
    return Fitted(weights, (misfit + like * noise) / (counts + like), counts)
