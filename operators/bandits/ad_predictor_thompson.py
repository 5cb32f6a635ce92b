"""Thompson sampling on AdPredictor, for rewards that come or do not come, such as clicks."""

from collections.abc import Sequence
from math import inf
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from river.linear_model import AdPredictor

from operators.bandits import defaults
from operators.bandits.allocation import odds_against_leader
from operators.bandits.binary_features import BinaryFeatures
from operators.bandits.context import Arm, Context, Surcharges
from operators.bandits.policy import Policy
from operators.bandits.recent_rewards import RecentRewards
from operators.bandits.sufficient_statistics import Floats
from operators.bandits.winsorization import UNBOUNDED
from schemas.errors import SetupError

BIAS: Final = "__bias__"
NORMAL: Final = NormalDist()
LEAST: Final = 1e-9
"""No surcharge brings a chance nearer to impossible than this."""


class AdPredictorThompson(Policy):
    """Chooses each arm by the odds that its chance of a reward above zero beats that of the best arm.

    Bayesian probit regression: Graepel, Candela, Borchert, Herbrich, 2010, "Web-Scale Bayesian Click-Through
    Rate Prediction". One AdPredictor holds a weight for each feature, shared by all arms, and one for each
    arm and feature; shared weights cancel out of the choice but are learned from every update. Values are
    probabilities of a reward above zero. A reward that is revised across zero is learned as one more update,
    since this model cannot take one back. A reward need not be
    capped: only its sign counts. Bounded by ``max_features`` times one more than ``max_arms``.

    Parameters
    ----------
    seed
        Seed of the draws of ``pull``; ``choose`` takes one with every call.
    floor
        Probability from 0 to 1 that is spread evenly over the eligible arms.
    drift
        AdPredictor's epsilon, from 0 to 1: how far each update draws weights back to the prior.
    max_arms
        Arms that are remembered, at least 1.
    max_features
        Binary features of a context, at least 1; features that come later are ignored.
    revisable
        Updates whose rewards are remembered for ``revise``, at least 1; an older one is taken as zero.
    posterior_scale
        Factor of the posterior's standard deviation, at least 0; 1 is Thompson sampling proper, less explores
        less. The default was chosen by regret in simulated worlds.

    Raises
    ------
    SetupError
        For a parameter out of its range.
    """

    name = "adpredictor_thompson"
    estimates_rewards = False

    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        *,
        seed: int = 0,
        floor: float = defaults.FLOOR,
        drift: float = 0.0,
        max_arms: int = defaults.MAX_ARMS,
        max_features: int = 1024,
        revisable: int = defaults.REVISABLE,
        posterior_scale: float = 0.5,
    ) -> None:
        super().__init__(seed=seed, floor=floor, max_arms=max_arms)
        if not 0.0 <= drift <= 1.0:
            raise SetupError(f"drift must be a share from 0 to 1; got {drift!r}")
        if max_features < 1:
            raise SetupError(f"max_features must be at least 1 feature; got {max_features!r}")
        if revisable < 1:
            raise SetupError(f"revisable must be at least 1 update; got {revisable!r}")
        if not 0.0 <= posterior_scale < inf:
            raise SetupError(
                f"posterior_scale must be a finite number of at least 0; got {posterior_scale!r}"
            )
        self.drift = drift
        self.max_features = max_features
        self.revisable = revisable
        self.posterior_scale = posterior_scale
        self._features = BinaryFeatures(max_features)
        self._starts: dict[int | str, int] = {}
        self._recent = RecentRewards(revisable)
        self._model = AdPredictor(beta=1.0, epsilon=drift)

    def _learn(self, arm: int | str, context: Context, reward: float) -> float:
        self._recent.record(self.updates, arm, context, reward, UNBOUNDED)
        self._observe(arm, self._features.learn(context), reward > 0.0)
        return reward

    def _correct(self, arm: int | str, context: Context, change: float) -> float:
        known = self._recent.find(self.updates, arm, context)
        before = 0.0 if known is None else known.reward
        if known is not None:
            self._recent.revise(known._replace(reward=before + change))
        if (before > 0.0) != (before + change > 0.0):
            self._observe(arm, self._features.learn(context), before + change > 0.0)
        return change

    def _observe(self, arm: int | str, active: list[int], rewarded: bool) -> None:
        model, stride = self._model, self.max_features
        if BIAS not in model.means:
            # weights start with variance one: the noise is set so that together they explain half of it
            model.beta = (2.0 * (1.0 + 2.0 * len(active))) ** 0.5
            model.means[BIAS], model.variances[BIAS] = 0.0, model.beta**2
        start = self._starts.get(arm)
        if start is None:
            start = self._starts[arm] = stride * (1 + max(self._starts.values(), default=0) // stride)
        own = [start, *(start + feature for feature in active)]
        model.learn_one(dict.fromkeys([*active, *own], True), rewarded)

    def _latent(self, arms: Sequence[Arm], context: Context) -> tuple[Floats, Floats]:
        """Return mean and variance, (arms,) each, of what each arm adds to the shared part."""
        means, variances = self._model.means, self._model.variances
        active = [0, *self._features.active(context)]
        found = []
        for arm in arms:
            start = self._starts.get(arm)
            keys = [] if start is None else [key for each in active if (key := start + each) in means]
            unknown = len(active) - len(keys)
            found.append((sum([means[key] for key in keys]), unknown + sum([variances[key] for key in keys])))
        mean, variance = np.array(found, dtype=np.float64).T
        return mean, variance

    def _allocation(
        self, arms: Sequence[Arm], context: Context, surcharges: Surcharges | None
    ) -> list[float]:
        mean, variance = self._latent(arms, context)
        if surcharges:
            mean -= self._latent_surcharges(arms, context, surcharges)
        narrowed = (self.posterior_scale**2 * variance).tolist()
        return odds_against_leader(list(zip(mean.tolist(), narrowed, strict=True)))

    def _latent_surcharges(self, arms: Sequence[Arm], context: Context, surcharges: Surcharges) -> Floats:
        """Return by how much the latent mean of each arm is lower where its chance is, by its surcharge."""
        mean, spread = self._predictive(arms, context)
        scores = (mean / spread).tolist()
        lowered = [
            NORMAL.inv_cdf(min(max(NORMAL.cdf(score) - surcharges[arm], LEAST), 1.0 - LEAST))
            if arm in surcharges
            else score
            for arm, score in zip(arms, scores, strict=True)
        ]
        found: Floats = (np.array(scores) - np.array(lowered)) * spread
        return found

    def _predictive(self, arms: Sequence[Arm], context: Context) -> tuple[Floats, Floats]:
        """Return mean and standard deviation, (arms,) each, of the latent score of each arm."""
        means, variances = self._model.means, self._model.variances
        keys = [BIAS, *self._features.active(context)]
        mean, variance = self._latent(arms, context)
        mean += sum(means.get(key, 0.0) for key in keys)
        variance += self._model.beta**2 + sum(variances.get(key, 1.0) for key in keys)
        return mean, np.sqrt(variance)

    def values(self, arms: Sequence[Arm], context: Context) -> dict[Arm, float]:
        """Return the estimated probability of a reward above zero, for each arm."""
        mean, spread = self._predictive(arms, context)
        chances = [NORMAL.cdf(each) for each in (mean / spread).tolist()]
        return dict(zip(arms, chances, strict=True))

    def _forget(self, arm: int | str) -> None:
        start = self._starts.pop(arm)
        for table in (self._model.means, self._model.variances):
            for key in [key for key in table if key != BIAS and start <= key < start + self.max_features]:
                del table[key]

    def _state(self) -> tuple[Any, ...]:
        means, variances = self._model.means.copy(), self._model.variances.copy()
        common = (self._model.beta, means.pop(BIAS, None), variances.pop(BIAS, None))
        weights = [
            np.fromiter(part, kind).tobytes()
            for part, kind in (
                (means.keys(), np.int64),
                (means.values(), np.float64),
                (variances.values(), np.float64),
            )
        ]
        own = (list(self._starts.items()), self._features.state(), self._recent.state(self.updates))
        return (*own, common, weights)

    def _restore(self, state: tuple[Any, ...]) -> None:
        starts, features, recent, (beta, mean, variance), weights = state
        self._starts = dict(starts)
        self._features = BinaryFeatures.restored(features)
        self._recent.restore(recent)
        if mean is not None:
            keys = np.frombuffer(weights[0], np.int64).tolist()
            means, variances = (np.frombuffer(part).tolist() for part in weights[1:])
            self._model.beta = beta
            self._model.means = {BIAS: mean} | dict(zip(keys, means, strict=True))
            self._model.variances = {BIAS: variance} | dict(zip(keys, variances, strict=True))
