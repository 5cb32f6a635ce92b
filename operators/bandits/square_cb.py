"""SquareCB: the greater the gap of an arm to the best one, the more rarely it is chosen."""

from math import inf

from operators.bandits import defaults
from operators.bandits.allocation import inverse_gap_weights
from operators.bandits.arm_regressions import ArmPosterior
from operators.bandits.linear_policy import LinearPolicy
from schemas.errors import SetupError


class SquareCB(LinearPolicy):
    """Chooses an arm by the inverse of its gap to the best, more sharply as updates add up.

    Foster, Rakhlin, 2020, "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles".
    Their learning rate gamma is proportional to the square root of arms times updates divided by the squared
    error of the regression so far. The error is taken as the noise times the columns in use, so neither the
    unit of the reward nor a horizon has to be set.

    Parameters
    ----------
    seed
        Seed of the draws of ``pull``; ``choose`` takes one with every call.
    floor
        Probability from 0 to 1 that is spread evenly over the eligible arms.
    half_life
        Updates after which an update counts half, above 0; None: nothing is forgotten.
    learn_prior
        Whether the prior of a new arm is learned from all arms, or stays as it begins.
    max_columns
        Columns of the regression, at least 1; features first learned when all are taken are ignored.
    max_arms
        Arms that are remembered, at least 1.
    revisable
        Updates for which ``revise`` is exact, at least 1.
    winsorize
        Quantile of recent rewards, between 0.5 and 1, by which a reward is capped before it trains; None: no
        reward is capped.
    winsorize_margin
        How far a reward may be from the median, in distances of that quantile, at least 1.
    gamma_scale
        Factor of the learning rate, at least 0; 1 is that of the paper up to constants, and a greater one is
        usual in practice.

    Raises
    ------
    SetupError
        For a parameter out of its range.
    """

    name = "squarecb"

    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        *,
        seed: int = 0,
        floor: float = defaults.FLOOR,
        half_life: float | None = defaults.HALF_LIFE,
        learn_prior: bool = True,
        max_columns: int = defaults.MAX_COLUMNS,
        max_arms: int = defaults.MAX_ARMS,
        revisable: int = defaults.REVISABLE,
        winsorize: float | None = defaults.WINSORIZE,
        winsorize_margin: float = defaults.WINSORIZE_MARGIN,
        gamma_scale: float = 10.0,
    ) -> None:
        super().__init__(
            seed=seed,
            floor=floor,
            half_life=half_life,
            learn_prior=learn_prior,
            max_columns=max_columns,
            max_arms=max_arms,
            revisable=revisable,
            winsorize=winsorize,
            winsorize_margin=winsorize_margin,
        )
        if not 0.0 <= gamma_scale < inf:
            raise SetupError(f"gamma_scale must be a finite number of at least 0; got {gamma_scale!r}")
        self.gamma_scale = gamma_scale

    def _allocate(self, posteriors: list[ArmPosterior]) -> list[float]:
        means = [mean for mean, _, _ in posteriors]
        error = self._regressions.noise() * self._regressions.encoder.columns.size
        growth = (len(means) * (1.0 + self.updates) / error) ** 0.5 if error > 0.0 else 0.0
        return inverse_gap_weights(means, self.gamma_scale * growth)
