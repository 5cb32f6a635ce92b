"""What the policy is worth beside the holdout: one value a unit, intervals that may be looked at any time."""

from operators.lift.balance import Balance, balance
from operators.lift.measure import Measure, Series, measured
from operators.lift.naive import naive_intervals
from operators.lift.sequence import Intervals, confidence_sequence
from operators.lift.units import Units

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
