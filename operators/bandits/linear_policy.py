"""What the linear policies share: a Bayesian regression of the reward for each arm."""

import abc
from collections.abc import Sequence
from math import inf, sqrt
from typing import Any

from operators.bandits import defaults
from operators.bandits.arm_regressions import ArmPosterior, ArmRegressions
from operators.bandits.context import Arm, Context, Surcharges
from operators.bandits.feature_columns import FeatureColumns
from operators.bandits.hierarchical_prior import PriorSettings
from operators.bandits.policy import Policy
from operators.bandits.recent_rewards import RecentReward, RecentRewards
from operators.bandits.row_encoder import RowEncoder
from operators.bandits.weight_priors import WeightPrior
from operators.bandits.winsorization import UNBOUNDED, Winsorizer, WinsorSettings, clip
from schemas.errors import SetupError


class LinearPolicy(Policy):
    """A policy that scores each arm by the posterior of its linear regression.

    ``MetaPrior`` says how the prior of a new arm is learned. Bounded by columns and arms: at most 24 bytes
    times ``max_columns`` squared for each arm, 16 of them in a snapshot.

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
        Updates for which ``revise`` is exact, at least 1. For an older one the weights are still exact; the
        noise is corrected as if the reward had been the expected one.
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
    ) -> None:
        super().__init__(seed=seed, floor=floor, max_arms=max_arms)
        if half_life is not None and not half_life > 0.0:
            raise SetupError(f"half_life must be a positive number of updates, or None; got {half_life!r}")
        if max_columns < 1:
            raise SetupError(f"max_columns must be at least 1 column; got {max_columns!r}")
        if revisable < 1:
            raise SetupError(f"revisable must be at least 1 update; got {revisable!r}")
        self.half_life = half_life
        self.learn_prior = learn_prior
        self.max_columns = max_columns
        if winsorize is not None and not 0.5 < winsorize < 1.0:
            raise SetupError(f"winsorize must be a quantile between 0.5 and 1, or None; got {winsorize!r}")
        if not 1.0 <= winsorize_margin < inf:
            raise SetupError(
                f"winsorize_margin must be a finite number of at least 1; got {winsorize_margin!r}"
            )
        self.revisable = revisable
        self.winsorize = winsorize
        self.winsorize_margin = winsorize_margin
        decay = 1.0 if half_life is None else 0.5 ** (1.0 / half_life)
        encoder = RowEncoder(FeatureColumns(max_columns))
        self._regressions = ArmRegressions(encoder, PriorSettings(learned=learn_prior), decay)
        self._recent = RecentRewards(revisable)
        self._winsorizer = Winsorizer(WinsorSettings(winsorize, winsorize_margin))

    @abc.abstractmethod
    def _allocate(self, posteriors: list[ArmPosterior]) -> list[float]:
        """Return what the probability of each arm is proportional to, given the posterior of each."""

    def _allocation(
        self, arms: Sequence[Arm], context: Context, surcharges: Surcharges | None
    ) -> list[float]:
        posteriors = self._regressions.posteriors(arms, context)
        if surcharges:
            posteriors = [
                (mean - surcharges.get(arm, 0.0), spread, noise)
                for arm, (mean, spread, noise) in zip(arms, posteriors, strict=True)
            ]
        return self._allocate(posteriors)

    def values(self, arms: Sequence[Arm], context: Context) -> dict[Arm, float]:
        """Return the estimated mean reward of each arm."""
        posteriors = self._regressions.posteriors(arms, context)
        return {arm: mean for arm, (mean, _, _) in zip(arms, posteriors, strict=True)}

    def estimates(self, arms: Sequence[Arm], context: Context) -> dict[Arm, tuple[float, float]]:
        """Return mean reward and standard deviation of this mean of each arm."""
        posteriors = self._regressions.posteriors(arms, context)
        return {
            arm: (mean, sqrt(spread * noise))
            for arm, (mean, spread, noise) in zip(arms, posteriors, strict=True)
        }

    def contributions(
        self, arm: int | str, other: int | str, context: Context
    ) -> tuple[float, dict[str, float]]:
        """Return by how much each feature raises the mean reward of an arm above another's.

        The first number is the difference where every feature is at its mean over all updates.
        """
        return self._regressions.contributions(arm, other, context)

    def meta_prior(self) -> dict[str, WeightPrior]:
        """Return mean and variance over arms of the weights of each feature: the prior of a new arm."""
        return self._regressions.weight_priors()

    def crowded_features(self) -> int:
        """Return how many text features have more words than are told apart."""
        return self._regressions.encoder.columns.crowded()

    def _learn(self, arm: int | str, context: Context, reward: float) -> float:
        bounds = self._winsorizer.bounds()
        trained = clip(reward, bounds)
        self._winsorizer.observe(reward)
        self._recent.record(self.updates, arm, context, reward, bounds)
        self._regressions.update(arm, context, trained)
        return trained

    def _correct(self, arm: int | str, context: Context, change: float) -> float:
        known = self._recent.find(self.updates, arm, context)
        if known is None:
            expected = self._regressions.posteriors((arm,), context)[0][0]
            known = RecentReward(max(0, self.updates - self._recent.size), expected, UNBOUNDED)
            changed = self._changed(known, change)
        else:
            changed = self._changed(known, change)
            self._winsorizer.replace(known.reward, changed.reward)
            self._recent.revise(changed)
        before = clip(known.reward, known.bounds)
        added = clip(changed.reward, changed.bounds) - before
        self._regressions.revise(arm, context, known.update, before, added)
        return added

    def _changed(self, known: RecentReward, change: float) -> RecentReward:
        """Return a reward that changed, within the bounds of its time, or those of now if it had none."""
        bounds = self._winsorizer.bounds() if known.bounds == UNBOUNDED else known.bounds
        return known._replace(reward=known.reward + change, bounds=bounds)

    def _forget(self, arm: int | str) -> None:
        self._regressions.remove(arm)

    def _state(self) -> tuple[Any, ...]:
        return (self._regressions.state(), self._recent.state(self.updates), self._winsorizer.state())

    def _restore(self, state: tuple[Any, ...]) -> None:
        regressions, recent, winsorizer = state
        self._regressions.restore(regressions)
        self._recent.restore(recent)
        self._winsorizer.restore(winsorizer)
