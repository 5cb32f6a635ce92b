"""Contextual bandit policies that say their true probabilities."""

from operators.policies.ad_predictor_thompson import AdPredictorThompson
from operators.policies.epsilon_greedy import EpsilonGreedy
from operators.policies.lin_ucb import LinUCB
from operators.policies.linear_thompson import LinearThompson
from operators.policies.policy import Policy
from operators.policies.registry import POLICIES, build, loads
from operators.policies.square_cb import SquareCB

__all__ = [
    "POLICIES",
    "AdPredictorThompson",
    "EpsilonGreedy",
    "LinUCB",
    "LinearThompson",
    "Policy",
    "SquareCB",
    "build",
    "loads",
]
