"""How sure an estimate is: 95 % intervals, clustered by visitor, that stay honest when weights are heavy."""

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from operators.evaluation.log import Floats, Ints

LEVEL: Final = 0.95


class Interval(NamedTuple):
    """Standard error and the limits of a 95 % interval; infinite where the rows say nothing."""

    standard_error: float
    low: float
    high: float


NOTHING: Final = Interval(math.inf, -math.inf, math.inf)


class Influence(NamedTuple):
    """What the rows add to an estimate.

    ``scores``: how far each row moves the estimate from its value, times the number of rows. ``weights``:
    how much each counts. ``heaviest``: how far one more row of the greatest weight could move it, times the
    number of rows. ``clusters``: who the rows belong to, numbers from zero.
    """

    scores: Floats
    weights: Floats
    heaviest: float
    clusters: Ints


def effective_sample_size(weights: Floats) -> float:
    """Return Kish's effective sample size: the squared sum of the weights over the sum of their squares.

    0 where all weights are 0.

    >>> effective_sample_size(np.array([3.0, 1.0]))
    1.6
    """
    largest = float(weights.max(initial=0.0))
    if largest <= 0.0:
        return 0.0
    scaled = weights / largest
    return float(scaled.sum() ** 2 / (scaled @ scaled))


def interval(value: float, influence: Influence) -> Interval:
    """Return the 95 % interval around an estimate.

    The variance is that of sums over clusters (Liang, Zeger, 1986, eq. 7, with the usual C / (C - 1)), plus
    the square of what one more row could do that is as heavy as the heaviest and as far off as the farthest:
    a rare arm's few rows do not show their own variance, and without it nothing would be uncertain about an
    arm that was never rewarded. It vanishes as 1 / rows. The quantile is Student's with the effective
    number of clusters less one. Both were chosen by measuring coverage in adaptively logged worlds.
    """
    scores, weights, heaviest, clusters = influence
    mass = np.bincount(clusters, weights).astype(np.float64)
    freedom = min(effective_sample_size(mass), len(mass)) - 1.0
    if freedom <= 0.0 or not math.isfinite(value):
        return NOTHING
    sums = np.bincount(clusters, scores)
    count = len(sums)
    variance = float(sums @ sums) * count / (count - 1) + heaviest**2
    return around(value, math.sqrt(variance) / len(scores), freedom)


def around(value: float, error: float, freedom: float) -> Interval:
    """Return the interval that a standard error with so many degrees of freedom gives."""
    reach = float(stdtrit(freedom, (1.0 + LEVEL) / 2.0)) * error
    return Interval(error, value - reach, value + reach)
