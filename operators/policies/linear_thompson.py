"""Thompson sampling on linear regressions with learned noise: the default policy."""

from typing import Final

from operators.policies.arms import Belief
from operators.policies.chance import thompson
from operators.policies.linear import LinearPolicy
from operators.policies.policy import Floats

width: Final = 0.3


class LinearThompson(LinearPolicy):
    """Chooses each arm with the probability that its mean reward is the greatest, as far as is known.

    The probabilities are computed, not drawn (Russo et al., 2018, "A Tutorial on Thompson Sampling"). The
    posterior's deviations are taken 0.3 times: at full width far more is explored than pays within
    thousands of decisions, as the benchmark of policies shows.
    """

    name = "linear_thompson"

    def _prefer(self, belief: Belief) -> Floats:
        return thompson(belief.means, width * belief.deviations)
