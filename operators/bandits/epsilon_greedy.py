"""Epsilon-greedy: mostly the arm with the greatest mean, sometimes any."""

from operators.bandits import defaults
from operators.bandits.allocation import greedy
from operators.bandits.arm_regressions import ArmPosterior
from operators.bandits.linear_policy import LinearPolicy


class EpsilonGreedy(LinearPolicy):
    """Chooses the arm with the greatest mean reward; its epsilon is the floor.

    Parameters
    ----------
    seed
        Seed of the draws of ``pull``; ``choose`` takes one with every call.
    floor
        Probability from 0 to 1 that is spread evenly over the eligible arms; the epsilon.
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

    Raises
    ------
    SetupError
        For a parameter out of its range.
    """

    name = "epsilon_greedy"

    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        *,
        seed: int = 0,
        floor: float = 0.1,
        half_life: float | None = defaults.HALF_LIFE,
        learn_prior: bool = True,
        max_columns: int = defaults.MAX_COLUMNS,
        max_arms: int = defaults.MAX_ARMS,
        revisable: int = defaults.REVISABLE,
        winsorize: float | None = defaults.WINSORIZE,
        winsorize_margin: float = defaults.WINSORIZE_MARGIN,
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

    def _allocate(self, posteriors: list[ArmPosterior]) -> list[float]:
        return greedy([mean for mean, _, _ in posteriors])
