"""Normal-inverse-gamma regressions from sums: the weights of each arm, and the noise of its rewards.

``precisions`` below is of shape (2, width, width): the prior precision of the mean over arms, and that of an
arm's weights around this mean, both as multiples of the inverse noise. The equations are in
docs/explanation/policies.md.
"""

from typing import NamedTuple

import numpy as np

from operators.bandits.sufficient_statistics import NEW_ARM, POOLED, Floats, SufficientStatistics


class RegressionFit(NamedTuple):
    """Weights (rows, width), noise variance (rows,) and number of updates (rows,)."""

    weights: Floats
    noise: Floats
    counts: Floats


def common_mean(
    statistics: SufficientStatistics, precisions: Floats, covariances: Floats
) -> tuple[Floats, Floats]:
    """Return the mean of the weights over arms, (width,), and its covariance divided by the noise.

    Generalised least squares: every arm counts by how well its updates determine its weights and by how much
    arms may differ. A regression over all updates would mistake the policy's reasons to choose an arm for
    something that arms have in common.
    """
    between, own = precisions[1], covariances[NEW_ARM + 1 :]
    evidence = (own @ statistics.sums[NEW_ARM + 1 :, :, None]).sum(axis=0)[:, 0]
    total = precisions[0] + len(own) * between - between @ own.sum(axis=0) @ between
    scale = 1.0 / np.sqrt(total.diagonal())
    covariance: Floats = np.linalg.inv(total * scale[:, None] * scale) * scale[:, None] * scale
    return covariance @ (between @ evidence), covariance


def fit_regressions(
    statistics: SufficientStatistics, precisions: Floats, covariances: Floats, mean: Floats, shrinkage: float
) -> RegressionFit:
    """Return the posterior of every row around the common mean.

    The noise of an arm is shrunk towards that of all arms by ``shrinkage`` updates.
    """
    counts = statistics.products[:, 0, 0]
    shift = precisions[1] @ mean
    evidence = statistics.sums + shift
    evidence[POOLED] -= shift
    weights = np.matmul(covariances, evidence[:, :, None])[:, :, 0]
    misfit = statistics.squares + mean @ shift - (weights * evidence).sum(axis=1)
    misfit[POOLED] -= mean @ shift
    np.maximum(misfit, 0.0, out=misfit)
    total = counts[POOLED]
    # before anything is known of the noise, rewards are taken to vary by as much as their size
    noise = (misfit[POOLED] + statistics.squares[POOLED] / max(total, 1.0)) / (total + 1.0)
    return RegressionFit(weights, (misfit + shrinkage * noise) / (counts + shrinkage), counts)
