"""A confidence sequence for the difference of two means: intervals that hold at all times together.

Each unit is scored by inverse probability with the known share h of the holdout,

    x_i = (Y_i - m_i) (1 / (1 - h) in the policy, -1 / h in the holdout),

where m_i is the mean of all values before it. Whatever m_i is, the expectation of x_i is the difference of
the means. Where no value depends on its group, the sum of the x_i is a martingale even given all values, the
variance of x_i is known, (Y_i - m_i)^2 / (h (1 - h)), and for every real l

    exp(l S_n - l^2 V_n / 2),  V_n = sum (x_i^2 + 2 E x_i^2) / 3

is a supermartingale, however heavy the tails (Delyon, "Exponential inequalities for sums of weakly dependent
variables", EJP 14, 2009; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform Chernoff bounds via nonnegative
supermartingales", Probability Surveys 17, 2020). Mixed over l ~ N(0, 1 / v), by Ville's inequality

    |S_n| <= sqrt((V_n + v) log((V_n + v) / (v alpha^2)))

holds for all n at once with probability 1 - alpha. So the probability that an experiment without any effect
ever excludes zero is at most alpha, at any size and not only in the limit. For other effects E x_i^2 is not
known; the greater of its two estimates takes its place, which holds for many units (as in Waudby-Smith,
Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
Annals of Statistics 52, 2024).
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from operators.experiments.lift.units import Floats

START: Final = 50
PLANNED: Final = 5_000


class LiftIntervals(NamedTuple):
    """An estimate of policy minus holdout after each unit, and the interval around it."""

    estimate: Floats
    lower: Floats
    upper: Floats


def confidence_sequence(  # noqa: PLR0913 - data, and how the interval is tuned, by name
    values: ArrayLike,
    held_out: ArrayLike,
    share: ArrayLike,
    alpha: float = 0.05,
    *,
    start: int = START,
    planned: int = PLANNED,
) -> LiftIntervals:
    """Return the intervals after each unit, along the last axis.

    Parameters
    ----------
    values
        One value for each unit, of shape (..., units).
    held_out
        Whether each unit is in the holdout, of the same shape.
    share
        The probability of the holdout, above 0 and below 1: one for all units, or one for each.
    alpha
        The greatest probability that the intervals ever exclude the truth.
    start
        Units whose value is not zero, of both groups together, before intervals are finite: they set v.
    planned
        Units at which the interval is about as tight as it can be; at other numbers it is little wider.
    """
    value = np.asarray(values, dtype=np.float64)
    if not value.size:
        return LiftIntervals(value, value, value)
    probability = np.asarray(share, dtype=np.float64)
    count = np.arange(1, value.shape[-1] + 1)
    before = np.cumsum(value, axis=-1) - value
    residual = value - before / np.maximum(count - 1, 1)
    score = residual * np.where(np.asarray(held_out, dtype=bool), -1 / probability, 1 / (1 - probability))
    known = np.cumsum(residual**2 / (probability * (1 - probability)), axis=-1)
    seen = np.cumsum(score**2, axis=-1)
    variance = seen / 3 + 2 * np.maximum(seen, known) / 3
    started = np.cumsum(value != 0, axis=-1) >= start
    first = np.argmax(started, axis=-1)[..., np.newaxis]
    prior = planned * np.take_along_axis(known / count, first, axis=-1) / _tightest(alpha)
    with np.errstate(divide="ignore", invalid="ignore"):  # before the start there may be no variance at all
        radius = np.sqrt((variance + prior) * np.log((variance + prior) / (prior * alpha**2))) / count
    radius[~started] = np.inf
    estimate = np.cumsum(score, axis=-1) / count
    return LiftIntervals(estimate, estimate - radius, estimate + radius)


def _tightest(alpha: float) -> float:
    """Return V / v where the interval is about tightest (the choice of Waudby-Smith and others)."""
    return -2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)
