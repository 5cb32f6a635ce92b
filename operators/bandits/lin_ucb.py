"""LinUCB: the arm whose reward could be the greatest."""

import math

from operators.bandits.arms import Belief
from operators.bandits.chance import leaders
from operators.bandits.linear import LinearPolicy


class LinUCB(LinearPolicy):
    """Chooses the arm with the greatest upper bound: mean and one standard deviation of the mean.

    Li, Chu, Langford, Schapire, 2010, "A Contextual-Bandit Approach to Personalized News Article
    Recommendation"; equal bounds share the probability.
    """

    name = "linucb"

    def _prefer(self, beliefs: list[Belief]) -> list[float]:
        return leaders([mean + math.sqrt(spread * noise) for mean, spread, noise in beliefs])
