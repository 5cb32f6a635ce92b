"""Off-policy evaluation: what other policies would have earned, from logged decisions and rewards."""

from operators.evaluation.estimators import (
    Estimate,
    clipped_ips,
    direct,
    doubly_robust,
    ips,
    mean_reward,
    replay,
    snips,
)
from operators.evaluation.intervals import effective_sample_size
from operators.evaluation.log import Log
from operators.evaluation.overlap import Overlap, overlap
from operators.evaluation.report import PolicyReport, Report, evaluate
from operators.evaluation.reward_model import RewardModel, cross_fitted
from operators.evaluation.rows import Row, Rows
from operators.evaluation.shares import Shares
from operators.evaluation.targets import Spec, spec_of

__all__ = [
    "Estimate",
    "Log",
    "Overlap",
    "PolicyReport",
    "Report",
    "RewardModel",
    "Row",
    "Rows",
    "Shares",
    "Spec",
    "clipped_ips",
    "cross_fitted",
    "direct",
    "doubly_robust",
    "effective_sample_size",
    "evaluate",
    "ips",
    "mean_reward",
    "overlap",
    "replay",
    "snips",
    "spec_of",
]
