"""Contextual bandit policies that report the probabilities they choose by."""

from operators.bandits.ad_predictor_thompson import AdPredictorThompson
from operators.bandits.epsilon_greedy import EpsilonGreedy
from operators.bandits.lin_ucb import LinUCB
from operators.bandits.linear_thompson import LinearThompson
from operators.bandits.policy import Policy
from operators.bandits.registry import POLICIES, build, loads
from operators.bandits.square_cb import SquareCB

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
