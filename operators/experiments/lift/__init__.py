"""The lift of the policy over the holdout: one value per unit, and anytime-valid intervals."""

from operators.experiments.lift.confidence_sequence import LiftIntervals, confidence_sequence
from operators.experiments.lift.metric_lift import LiftSeries, MetricLift, metric_lift
from operators.experiments.lift.naive import naive_intervals
from operators.experiments.lift.sample_ratio import SampleRatioTest, sample_ratio_test
from operators.experiments.lift.units import Units

__all__ = [
    "LiftIntervals",
    "LiftSeries",
    "MetricLift",
    "SampleRatioTest",
    "Units",
    "confidence_sequence",
    "metric_lift",
    "naive_intervals",
    "sample_ratio_test",
]
