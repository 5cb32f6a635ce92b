"""LinUCB: the arm with the greatest upper confidence bound."""

from math import inf, sqrt

from operators.bandits import defaults
from operators.bandits.allocation import greedy
from operators.bandits.arm_regressions import ArmPosterior
from operators.bandits.linear_policy import LinearPolicy
from schemas.errors import SetupError


class LinUCB(LinearPolicy):
    """Chooses the arm with the greatest upper bound: its mean plus ``alpha`` standard deviations of the mean.

    Li, Chu, Langford, Schapire, 2010, "A Contextual-Bandit Approach to Personalized News Article
    Recommendation"; arms with equal bounds share the probability.

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
    alpha
        Standard deviations added to the mean, at least 0.

    Raises
    ------
    SetupError
        For a parameter out of its range.
    """

    name = "linucb"

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
        alpha: float = 1.0,
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
        if not 0.0 <= alpha < inf:
            raise SetupError(f"alpha must be a finite number of at least 0; got {alpha!r}")
        self.alpha = alpha

    def _allocate(self, posteriors: list[ArmPosterior]) -> list[float]:
        alpha, bounds = self.alpha, []
        for mean, spread, noise in posteriors:
            bounds.append(mean + alpha * sqrt(spread * noise))
        return greedy(bounds)
