"""Thompson sampling on linear regressions with learned noise: the default policy."""

from typing import Final

from operators.policies.arms import Belief
from operators.policies.chance import thompson
from operators.policies.linear import LinearPolicy

width: Final = 0.35


class LinearThompson(LinearPolicy):
    """Chooses each arm as often as a draw from its narrowed posterior would be the greatest.

    The probabilities are computed, not drawn (Russo et al., 2018, "A Tutorial on Thompson Sampling"). The
    posterior's deviations are taken 0.35 times, which explores less than Thompson's own rule: a compromise
    found by measuring regret over thousands of decisions, not by theory.
    """

    name = "linear_thompson"

    def _prefer(self, belief: Belief) -> list[float]:
        return thompson(belief.means, [width * each for each in belief.deviations])
