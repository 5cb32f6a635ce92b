"""The usual interval, valid for one look at a number of units that was fixed in advance."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from operators.experiments.lift.confidence_sequence import LiftIntervals
from operators.experiments.lift.units import Flags, Floats


def naive_intervals(values: ArrayLike, held_out: ArrayLike, alpha: float = 0.05) -> LiftIntervals:
    """Return Welch's interval after each unit, along the last axis; infinite until each group has two units.

    Each interval holds with probability 1 - alpha if it is the only one that is looked at (Welch, 1947, "The
    generalization of 'Student's' problem", here with the normal quantile). If you look again and again, you
    will see one that excludes zero though there is no effect.
    """
    value, held = np.asarray(values, dtype=np.float64), np.asarray(held_out, dtype=bool)
    mean_policy, error_policy = _running(value, ~held)
    mean_holdout, error_holdout = _running(value, held)
    estimate = mean_policy - mean_holdout
    radius = NormalDist().inv_cdf(1 - alpha / 2) * np.sqrt(error_policy + error_holdout)
    known = np.isfinite(radius)
    lower = np.where(known, estimate - radius, -np.inf)
    return LiftIntervals(estimate, lower, np.where(known, estimate + radius, np.inf))


def _running(value: Floats, member: Flags) -> tuple[Floats, Floats]:
    """Return a group's mean after each unit, and its squared error, infinite before there are two."""
    count = np.cumsum(member, axis=-1).astype(np.float64)
    total = np.cumsum(np.where(member, value, 0.0), axis=-1)
    squares = np.cumsum(np.where(member, value**2, 0.0), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        variance = np.maximum(squares - total * mean, 0.0) / (count - 1)
        error = np.where(count > 1, variance / count, np.inf)
    return mean, error
