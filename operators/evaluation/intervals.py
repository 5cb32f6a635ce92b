"""How sure an estimate is: 95 % intervals, clustered by visitor, that stay honest when weights are heavy."""

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from operators.evaluation.log import Floats, Ints

LEVEL: Final = 0.95
UNSEEN: Final = 4
"""Rows of the greatest weight that might as well have been there."""


class Interval(NamedTuple):
    """Standard error and the limits of a 95 % interval; infinite where the rows say nothing."""

    standard_error: float
    low: float
    high: float


NOTHING: Final = Interval(math.inf, -math.inf, math.inf)


class Influence(NamedTuple):
    """What the rows add to an estimate.

    ``scores``: how far each row moves the estimate from its value, times the number of rows. ``weights``: how
    much each counts; ``mass`` is what they average in the long run, None where that is not known. ``errors``:
    what a row of weight 1 adds to the scores. ``clusters``: who the rows belong to, numbers from zero.
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


def interval(value: float, rows: Influence) -> Interval:
    """Return the 95 % interval around an estimate.

    The variance is that of sums over clusters (Liang, Zeger, 1986, with the usual C / (C - 1)). Where
    weights are heavy it says too little, since the rows that would show it are the ones that are missing. So
    two things are added that vanish as the log grows: what four more rows of the greatest weight would do
    (as Agresti and Coull, 1998, add four rows to a share), and, for weights that must average 1, the mass by
    which they miss it (beyond its standard error), as if it had typical rewards. The quantile is Student's
    with the effective number of clusters less one. tests/benchmarks/coverage.py measures how often such
    intervals hold the truth.
    """
    shares = np.bincount(rows.clusters, rows.weights).astype(np.float64)
    freedom = effective_sample_size(shares) - 1.0
    if freedom <= 0.0 or not math.isfinite(value):
        return NOTHING
    size = len(rows.scores)
    typical = math.sqrt(float(rows.errors @ rows.errors) / size)
    unseen = math.sqrt(UNSEEN) * float(rows.weights.max()) * typical / size
    error = math.hypot(clustered_error(rows.scores, rows.clusters), unseen)
    missing = 0.0
    if rows.mass is not None:
        excess = rows.weights - rows.weights.mean()
        gap = abs(float(rows.weights.mean()) - rows.mass)
        missing = max(0.0, gap - clustered_error(excess, rows.clusters)) * typical
    return around(value, error, freedom, missing)


def clustered_error(scores: Floats, clusters: Ints) -> float:
    """Return the clustered standard error of a mean of scores that sum to zero; infinite for one cluster."""
    sums = np.bincount(clusters, scores)
    count = len(sums)
    if count == 1:
        return math.inf
    return math.sqrt(float(sums @ sums) * count / (count - 1)) / len(scores)


def around(value: float, error: float, freedom: float, missing: float = 0.0) -> Interval:
    """Return the interval of a standard error with so many degrees of freedom, wider by what is missing."""
    reach = float(stdtrit(freedom, (1.0 + LEVEL) / 2.0)) * error + missing
    return Interval(error, value - reach, value + reach)
