"""A policy that goes on learning, judged by replay: it sees only the rows it would have chosen itself."""

import math
from collections.abc import Sequence

import msgspec

from operators.bandits.sampling import uniform
from operators.evaluation.estimators import Estimate, mean_reward
from operators.evaluation.log import Log
from operators.evaluation.rows import Row
from operators.evaluation.targets import Spec, built


class Replayed(msgspec.Struct, frozen=True):
    """The mean reward of the rows a learning policy would have taken; None where there were none.

    ``capped`` is the share of rows that should have counted more than once and could not.
    """

    estimate: Estimate | None
    taken: int
    capped: float


def replayed(spec: Spec, rows: Sequence[Row], seed: int = 0) -> Replayed:
    """Return what a policy earns that learns from each row it takes, in their order.

    A row is taken with probability (the policy's probability of its arm / the logged one) / bound, so that
    the rows taken are distributed as if the policy had chosen itself (rejection sampling; Dudik, Erhan,
    Langford, Li, 2012, "Sample-efficient Nonstationary Policy Evaluation for Contextual Bandits"). Under
    uniform logging this is the replay of Li et al. (2011). The bound is the inverse of the smallest logged
    probability, or the square root of the number of rows if that is smaller: then what would count more is
    capped, which is a bias.
    """
    policy = built(spec)
    least = min(min((row.logging or {row.arm: row.propensity}).values()) for row in rows)
    bound = min(1.0 / least, math.sqrt(len(rows)))
    rewards: list[float] = []
    visitors: list[str] = []
    capped = 0
    for at, row in enumerate(rows):
        ratio = policy.probabilities(row.eligible, row.context)[row.arm] / row.propensity
        capped += ratio > bound * (1.0 + 1e-9)
        if uniform((seed << 40) ^ at) < ratio / bound:
            rewards.append(row.reward)
            visitors.append(row.visitor)
            policy.update(row.arm, row.context, row.reward)
    if not rewards:
        return Replayed(None, 0, capped / len(rows))
    log = Log(rewards, [0] * len(rewards), [1.0] * len(rewards), visitors)
    return Replayed(mean_reward("replay", log), len(rewards), capped / len(rows))
