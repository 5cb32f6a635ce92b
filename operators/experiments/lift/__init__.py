"""What the policy is worth beside the holdout: one value a unit, intervals that may be looked at any time."""

from operators.experiments.lift.measure import Measure, Series, measured
from operators.experiments.lift.naive import naive_intervals
from operators.experiments.lift.sample_ratio import Balance, balance
from operators.experiments.lift.sequence import Intervals, confidence_sequence
from operators.experiments.lift.units import Units

__all__ = [
    "Balance",
    "Intervals",
    "Measure",
    "Series",
    "Units",
    "balance",
    "confidence_sequence",
    "measured",
    "naive_intervals",
]
