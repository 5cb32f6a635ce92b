"""Optimistic Thompson sampling on linear regressions with learned noise: the default policy."""

from math import inf, sqrt

from operators.bandits import defaults
from operators.bandits.allocation import odds_against_leader
from operators.bandits.arm_regressions import ArmPosterior
from operators.bandits.linear_policy import LinearPolicy
from schemas.errors import SetupError


class LinearThompson(LinearPolicy):
    """Chooses each arm by the odds that a draw from its posterior beats one from the most promising arm's.

    Thompson sampling (Russo et al., 2018, "A Tutorial on Thompson Sampling"), made optimistic (May et al.,
    2012, "Optimistic Bayesian Sampling in Contextual-Bandit Problems") and computed instead of drawn. The
    mean of an arm is raised by how far one update is expected to move it (the step of the knowledge gradient:
    Ryzhov, Powell, Frazier, 2012, "The Knowledge Gradient Algorithm for a General Class of Online Learning
    Problems"), so an arm is tried early where one update teaches much, and no longer than it does.

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
    posterior_scale
        Factor of the posterior's standard deviation, at least 0; 1 is Thompson sampling proper, less explores
        less. The default was chosen by regret in simulated worlds.

    Raises
    ------
    SetupError
        For a parameter out of its range.
    """

    name = "linear_thompson"

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
        posterior_scale: float = 0.125,
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
        if not 0.0 <= posterior_scale < inf:
            raise SetupError(
                f"posterior_scale must be a finite number of at least 0; got {posterior_scale!r}"
            )
        self.posterior_scale = posterior_scale
        self._variance_scale = posterior_scale**2

    def _allocate(self, posteriors: list[ArmPosterior]) -> list[float]:
        variance_scale = self._variance_scale
        return odds_against_leader(
            [
                (mean + spread * sqrt(noise / (1.0 + spread)), variance_scale * spread * noise)
                for mean, spread, noise in posteriors
            ]
        )
