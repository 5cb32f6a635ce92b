"""A policy that keeps learning, evaluated by replay: it only sees the rows it would have chosen itself."""

import math
from collections.abc import Sequence

import msgspec

from operators.bandits.sampling import uniform
from operators.evaluation.estimators import Estimate, mean_reward
from operators.evaluation.log import Log
from operators.evaluation.row import Row
from operators.evaluation.target_spec import TargetSpec, new_policy


class LearningReplay(msgspec.Struct, frozen=True):
    """The mean reward of the rows that a learning policy accepted; None where there were none.

    ``taken`` is their number; ``capped`` is the share of rows that should have counted more than once and
    could not.
    """

    estimate: Estimate | None
    taken: int
    capped: float


def replay_learning(spec: TargetSpec, rows: Sequence[Row], seed: int = 0) -> LearningReplay:
    """Return what a policy earns that learns from each row it accepts, in their order.

    A row is accepted with probability (the policy's probability of its arm / the logged one) / bound, so that
    accepted rows are distributed as if the policy had chosen itself (rejection sampling; Dudik, Erhan,
    Langford, Li, 2012, "Sample-efficient Nonstationary Policy Evaluation for Contextual Bandits"). Under
    uniform logging this is the replay of Li et al. (2011). The bound is the inverse of the smallest logged
    probability, or the square root of the number of rows if that is smaller: then rows that would count more
    are capped, which is a bias.
    """
    policy = new_policy(spec)
    least = min(min((row.logging or {row.arm: row.propensity}).values()) for row in rows)
    bound = min(1.0 / least, math.sqrt(len(rows)))
    rewards: list[float] = []
    visitors: list[str] = []
    capped = 0
    for at, row in enumerate(rows):
        chances = policy.probabilities(row.eligible, row.context, surcharges=row.surcharges)
        ratio = chances[row.arm] / row.propensity
        capped += ratio > bound * (1.0 + 1e-9)
        if uniform((seed << 40) ^ at) < ratio / bound:
            rewards.append(row.reward)
            visitors.append(row.visitor)
            policy.update(row.arm, row.context, row.reward)
    if not rewards:
        return LearningReplay(None, 0, capped / len(rows))
    log = Log(rewards, [0] * len(rewards), [1.0] * len(rewards), visitors)
    return LearningReplay(mean_reward("replay", log), len(rewards), capped / len(rows))
