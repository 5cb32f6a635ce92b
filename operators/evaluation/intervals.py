"""95 % intervals of estimates, clustered by visitor and valid with heavy weights."""

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from operators.evaluation.log import Floats, Ints

LEVEL: Final = 0.95
UNSEEN: Final = 4
"""Rows of the greatest weight that are added, as many as Agresti and Coull add to a share at this level."""


class EstimateInterval(NamedTuple):
    """Standard error and the ends of a 95 % interval; infinite where the rows say nothing."""

    standard_error: float
    low: float
    high: float


UNBOUNDED: Final = EstimateInterval(math.inf, -math.inf, math.inf)


class Influence(NamedTuple):
    """What the rows contribute to an estimate; arrays of shape (rows,).

    Attributes
    ----------
    scores
        How far each row moves the estimate from its value, times the number of rows.
    weights
        How much each row counts.
    errors
        What a row of weight 1 adds to the scores.
    clusters
        Whom the rows belong to, numbers from zero.
    mass
        What the weights average in the long run, None where that is not known.
    """

    scores: Floats
    weights: Floats
    errors: Floats
    clusters: Ints
    mass: float | None = 1.0


def effective_sample_size(weights: Floats) -> float:
    """Return Kish's effective sample size: the squared sum of the weights over the sum of their squares.

    0 where all weights are 0.

    >>> effective_sample_size(np.array([4.0, 2.0]))
    1.8
    """
    largest = float(weights.max(initial=0.0))
    if largest <= 0.0:
        return 0.0
    scaled = weights / largest
    return float(scaled.sum() ** 2 / (scaled @ scaled))


def clustered_interval(value: float, rows: Influence) -> EstimateInterval:
    """Return the 95 % interval around an estimate.

    The variance is that of sums over clusters (Liang, Zeger, 1986, with the usual C / (C - 1)). Where
    weights are heavy it is too small, since the rows that would show it are the ones that are missing. So two
    terms are added that vanish as the log grows: what four more rows of the greatest weight would do (as
    Agresti and Coull, 1998, add four rows to a share), and, for weights that must average 1, the mass by
    which they miss it (beyond its standard error), as if it had typical rewards. The quantile is Student's
    with the effective number of clusters minus one. tests/benchmarks/coverage.py measures how often such
    intervals contain the truth.
    """
    shares = np.bincount(rows.clusters, rows.weights).astype(np.float64)
    freedom = effective_sample_size(shares) - 1.0
    if freedom <= 0.0 or not math.isfinite(value):
        return UNBOUNDED
    size = len(rows.scores)
    typical = math.sqrt(float(rows.errors @ rows.errors) / size)
    unseen = math.sqrt(UNSEEN) * float(rows.weights.max()) * typical / size
    error = math.hypot(clustered_error(rows.scores, rows.clusters), unseen)
    missing = 0.0
    if rows.mass is not None:
        excess = rows.weights - rows.weights.mean()
        gap = abs(float(rows.weights.mean()) - rows.mass)
        missing = max(0.0, gap - clustered_error(excess, rows.clusters)) * typical
    return interval_around(value, error, freedom, missing)


def clustered_error(scores: Floats, clusters: Ints) -> float:
    """Return the clustered standard error of a mean of scores that sum to zero; infinite for one cluster."""
    sums = np.bincount(clusters, scores)
    count = len(sums)
    if count == 1:
        return math.inf
    return math.sqrt(float(sums @ sums) * count / (count - 1)) / len(scores)


def interval_around(value: float, error: float, freedom: float, missing: float = 0.0) -> EstimateInterval:
    """Return the interval of a standard error with so many degrees of freedom, wider by what is missing."""
    reach = float(stdtrit(freedom, (1.0 + LEVEL) / 2.0)) * error + missing
    return EstimateInterval(error, value - reach, value + reach)
