"""Optimistic Thompson sampling on linear regressions with learned noise: the default policy."""

from typing import Final

from operators.policies.arms import Belief
from operators.policies.chance import tournament
from operators.policies.linear import LinearPolicy

width: Final = 0.25


class LinearThompson(LinearPolicy):
    """Chooses each arm by the odds at which a draw from its posterior beats the most promising arm's.

    Thompson sampling (Russo et al., 2018, "A Tutorial on Thompson Sampling"), made optimistic (May et al.,
    2012, "Optimistic Bayesian Sampling in Contextual-Bandit Problems") and computed, not drawn. An arm's
    mean is raised by how far one lesson is expected to move it (the knowledge gradient's step: Ryzhov,
    Powell, Frazier, 2012), so an arm is tried soon where that would teach much, and no longer than it does.
    Draws come from a quarter of the deviation, a compromise found by measuring regret.
    """

    name = "linear_thompson"

    def _prefer(self, belief: Belief) -> list[float]:
        scores = [mean + step for mean, step in zip(belief.means, belief.steps, strict=True)]
        return tournament(scores, [width * each for each in belief.deviations])
