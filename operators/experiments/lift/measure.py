"""One measure of an experiment, conversion or profit: both groups, the lift now, and the lift over time."""

import math
from typing import NamedTuple

import numpy as np

from operators.experiments.lift.naive import naive_intervals
from operators.experiments.lift.sequence import Intervals, confidence_sequence
from operators.experiments.lift.units import Flags, Floats, Units


class Series(NamedTuple):
    """The lift after each unit: equally long arrays.

    ``at_s`` is the unit's first eligible moment in seconds. ``sequence`` may be looked at any time; ``naive``
    holds for one look only and is there for comparison. Both are a unit in the measure's terms.
    """

    at_s: Floats
    sequence: Intervals
    naive: Intervals


class Measure(NamedTuple):
    """What one measure says in the end; NaN without units, an interval infinite where it has not begun.

    ``policy`` and ``holdout`` are means a unit. ``lift`` is the estimate between ``lower`` and ``upper``:
    policy less holdout, weighted by the known share, so it differs a little from the difference of the means.
    """

    policy: float
    holdout: float
    lift: float
    lower: float
    upper: float
    naive_lower: float
    naive_upper: float
    series: Series

    @property
    def is_sure(self) -> bool:
        """Whether the confidence sequence excludes zero."""
        return self.lower > 0 or self.upper < 0


def measured(units: Units, values: Floats, alpha: float = 0.05) -> Measure:
    """Return what ``values``, one for each unit, say about the policy beside the holdout."""
    sequence = confidence_sequence(values, units.held_out, units.share, alpha)
    naive = naive_intervals(values, units.held_out, alpha)
    return Measure(
        policy=_mean(values, ~units.held_out),
        holdout=_mean(values, units.held_out),
        lift=_last(sequence.estimate),
        lower=_last(sequence.lower),
        upper=_last(sequence.upper),
        naive_lower=_last(naive.lower),
        naive_upper=_last(naive.upper),
        series=Series(units.at_s, sequence, naive),
    )


def _last(series: Floats) -> float:
    return float(series[-1]) if series.size else math.nan


def _mean(values: Floats, member: Flags) -> float:
    return float(np.mean(values[member])) if member.any() else math.nan
