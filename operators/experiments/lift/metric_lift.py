"""The lift of one metric, conversion or profit: both groups, the lift now, and the lift over time."""

import math
from typing import NamedTuple

import numpy as np

from operators.experiments.lift.confidence_sequence import LiftIntervals, confidence_sequence
from operators.experiments.lift.naive import naive_intervals
from operators.experiments.lift.units import Flags, Floats, Units


class LiftSeries(NamedTuple):
    """The lift after each unit, per unit and in the unit of the metric.

    Attributes
    ----------
    at_s
        The first eligible moment of each unit, in seconds.
    sequence
        Anytime-valid intervals.
    naive
        Intervals that hold for one look only, for comparison.
    """

    at_s: Floats
    sequence: LiftIntervals
    naive: LiftIntervals


class MetricLift(NamedTuple):
    """The lift of one metric after all units; NaN without units, infinite ends without an interval yet.

    ``policy`` and ``holdout`` are means per unit. ``lift`` is the estimate between ``lower`` and ``upper``:
    policy minus holdout, weighted by the known share, so it differs slightly from the difference of the
    means.
    """

    policy: float
    holdout: float
    lift: float
    lower: float
    upper: float
    naive_lower: float
    naive_upper: float
    series: LiftSeries

    @property
    def excludes_zero(self) -> bool:
        """Whether the anytime-valid interval excludes zero."""
        return self.lower > 0 or self.upper < 0


def metric_lift(units: Units, values: Floats, alpha: float = 0.05) -> MetricLift:
    """Return the lift in ``values``, one for each unit; intervals hold with probability 1 - alpha."""
    sequence = confidence_sequence(values, units.held_out, units.share, alpha)
    naive = naive_intervals(values, units.held_out, alpha)
    return MetricLift(
        policy=_mean(values, ~units.held_out),
        holdout=_mean(values, units.held_out),
        lift=_last(sequence.estimate),
        lower=_last(sequence.lower),
        upper=_last(sequence.upper),
        naive_lower=_last(naive.lower),
        naive_upper=_last(naive.upper),
        series=LiftSeries(units.at_s, sequence, naive),
    )


def _last(series: Floats) -> float:
    return float(series[-1]) if series.size else math.nan


def _mean(values: Floats, member: Flags) -> float:
    return float(np.mean(values[member])) if member.any() else math.nan
