"""Off-policy estimators: what a target policy would have earned per row, from what another policy logged.

Each takes a `Log` and the target's probabilities, (rows, arms), which must not depend on the rewards of these
rows. Definitions are those of the Open Bandit Pipeline (Saito et al., 2021, "Open Bandit Dataset and
Pipeline"); the equations are in docs/explanation/evaluation.md. Each raises SetupError where an array has
another shape or a row does not sum to 1.
"""

import math

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from operators.evaluation.intervals import (
    UNBOUNDED,
    EstimateInterval,
    Influence,
    clustered_error,
    clustered_interval,
    effective_sample_size,
    interval_around,
)
from operators.evaluation.log import Floats, Log, distribution, matrix_of
from schemas.errors import SetupError


class Estimate(msgspec.Struct, frozen=True):
    """The value of a policy, in reward per row, with its 95 % interval and the weights it is based on.

    NaN with infinite ends where no row says anything. ``largest_weight`` is that of one row.
    """

    estimator: str
    value: float
    low: float
    high: float
    standard_error: float
    effective_sample_size: float
    largest_weight: float


def ips(log: Log, target: ArrayLike) -> Estimate:
    """Return inverse propensity scoring: the mean of weight times reward (Horvitz, Thompson, 1952)."""
    return _weighted("ips", log, log.weights(distribution(target, log)))


def clipped_ips(log: Log, target: ArrayLike, clip: float | None = None) -> Estimate:
    """Return IPS with weights above ``clip`` counted as ``clip``: less variance, and a bias towards 0.

    ``clip`` is the square root of the number of rows unless given (Ionides, 2008, "Truncated Importance
    Sampling"). What is cut off is missing from the weights' mean of 1, and the interval is wider by it.
    Raises SetupError for a clip that is not above 0.
    """
    most = math.sqrt(log.size) if clip is None else clip
    if not most > 0.0:
        raise SetupError(f"clip must be a number above 0; got {clip!r}")
    weights = log.weights(distribution(target, log))
    return _weighted("clipped_ips", log, np.minimum(weights, most))


def snips(log: Log, target: ArrayLike) -> Estimate:
    """Return self-normalised IPS: the mean reward weighted by the weights (Swaminathan, Joachims, 2015)."""
    return _normalised("snips", log, log.weights(distribution(target, log)), 1.0)


def replay(log: Log, target: ArrayLike) -> Estimate:
    """Return the mean reward of the rows whose arm the target would have chosen (Li et al., 2011).

    A randomised target counts each row by its probability of the row's arm. Unbiased only where all arms
    were logged with equal probability.
    """
    return _normalised("replay", log, log.of_chosen(distribution(target, log)), None)


def direct(log: Log, target: ArrayLike, predicted: ArrayLike, doubt: float = 0.0) -> Estimate:
    """Return the mean of what a reward model predicts for the target's choices (the direct method).

    ``predicted`` is the predicted reward, (rows, arms). ``doubt`` is the model's own standard deviation of
    the estimate; the interval includes it, but never how wrong the model is. Effective sample size and
    largest weight are those of the importance weights: how much of the log is about the target.
    """
    chosen = distribution(target, log)
    rows = (chosen * matrix_of(predicted, log, "predicted")).sum(axis=1)
    value = float(rows.mean())
    freedom = float(log.clusters.max())
    error = math.hypot(clustered_error(rows - value, log.clusters), doubt)
    found = interval_around(value, error, freedom) if freedom > 0.0 else UNBOUNDED
    return _estimate("direct", value, found, log.weights(chosen))


def doubly_robust(log: Log, target: ArrayLike, predicted: ArrayLike) -> Estimate:
    """Return the direct method plus the weighted mean of its errors (Dudik, Langford, Li, 2011).

    Consistent where either the propensities or the predictions are right. ``predicted``, (rows, arms), should
    come from models that were not fitted to the rows they predict: `cross_fitted`.
    """
    chosen, model = distribution(target, log), matrix_of(predicted, log, "predicted")
    weights = log.weights(chosen)
    errors = log.rewards - log.of_chosen(model)
    rows = (chosen * model).sum(axis=1) + weights * errors
    value = float(rows.mean())
    found = clustered_interval(value, Influence(rows - value, weights, errors, log.clusters))
    return _estimate("doubly_robust", value, found, weights)


def mean_reward(name: str, log: Log) -> Estimate:
    """Return the plain mean of the rewards, what the logging policy itself earned, under that name."""
    return _weighted(name, log, np.ones(log.size))


def _weighted(name: str, log: Log, weights: Floats) -> Estimate:
    rows = weights * log.rewards
    value = float(rows.mean())
    found = clustered_interval(value, Influence(rows - value, weights, log.rewards, log.clusters))
    return _estimate(name, value, found, weights)


def _normalised(name: str, log: Log, weights: Floats, mass: float | None) -> Estimate:
    mean = float(weights.mean())
    value = float(weights @ log.rewards) / log.size / mean if mean > 0.0 else math.nan
    errors = (log.rewards - value) / mean if mean > 0.0 else log.rewards
    found = clustered_interval(value, Influence(weights * errors, weights, errors, log.clusters, mass))
    return _estimate(name, value, found, weights)


def _estimate(name: str, value: float, found: EstimateInterval, weights: Floats) -> Estimate:
    effective, largest = effective_sample_size(weights), float(weights.max())
    return Estimate(name, value, found.low, found.high, found.standard_error, effective, largest)
