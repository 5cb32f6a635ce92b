"""Off-policy evaluation: what other policies would have earned, from logged decisions and rewards."""

from operators.evaluation.empirical_policy import EmpiricalPolicy
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
from operators.evaluation.overlap import OverlapReport, overlap
from operators.evaluation.report import EvaluationReport, PolicyReport, evaluate
from operators.evaluation.reward_model import RewardModel, cross_fitted
from operators.evaluation.row import Row
from operators.evaluation.rows import Rows
from operators.evaluation.target_spec import TargetSpec, parse_target

__all__ = [
    "EmpiricalPolicy",
    "Estimate",
    "EvaluationReport",
    "Log",
    "OverlapReport",
    "PolicyReport",
    "RewardModel",
    "Row",
    "Rows",
    "TargetSpec",
    "clipped_ips",
    "cross_fitted",
    "direct",
    "doubly_robust",
    "effective_sample_size",
    "evaluate",
    "ips",
    "mean_reward",
    "overlap",
    "parse_target",
    "replay",
    "snips",
]
