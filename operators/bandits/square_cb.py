"""SquareCB: the less an arm seems to earn compared with the best, the rarer it is chosen."""

from typing import Final

from operators.bandits.arms import Belief
from operators.bandits.chance import inverse_gap
from operators.bandits.linear import LinearPolicy

sharp: Final = 10.0


class SquareCB(LinearPolicy):
    """Chooses an arm by the inverse of its gap to the best, ever more sharply as lessons add up.

    Foster, Rakhlin, 2020, "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles".
    Their learning rate is the root of arms times lessons over the regression's squared error so far, here ten
    times that, as is usual in practice; the error is taken as the noise times the columns in use, so
    neither the unit of the reward nor a horizon has to be set.
    """

    name = "squarecb"

    def _prefer(self, beliefs: list[Belief]) -> list[float]:
        means = [mean for mean, _, _ in beliefs]
        error = self._arms.noise() * self._arms.columns.size
        gamma = sharp * (len(means) * (1.0 + self.lessons) / error) ** 0.5 if error > 0.0 else 0.0
        return inverse_gap(means, gamma)
