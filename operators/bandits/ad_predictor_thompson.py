"""Thompson sampling on AdPredictor, for rewards that come or do not come, as clicks do."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from river.linear_model import AdPredictor

from operators.bandits.buckets import Buckets
from operators.bandits.chance import Arm, odds
from operators.bandits.lessons import Floats
from operators.bandits.memory import Memory
from operators.bandits.plans import Context
from operators.bandits.policy import Policy, usual_floor
from schemas.errors import SetupError

bias: Final = "__bias__"
room: Final = 1024
width: Final = 0.5
normal: Final = NormalDist()


class AdPredictorThompson(Policy):
    """Chooses each arm by the odds at which its reward is likelier above zero than the best arm's.

    Odds are those of draws from half the posterior's deviation, a compromise found by measuring regret.
    One AdPredictor holds a weight for each feature, shared by all arms, and one for each arm and feature;
    what is shared moves no choice but is learned from every lesson. Values are probabilities of a reward
    above zero. ``drift`` is AdPredictor's epsilon: how far each lesson draws weights back to the unknown. A
    reward revised across zero is learned as one more lesson: there is no way back in this model. Bounded
    by 1,024 features times one more than ``most`` arms.
    """

    name = "adpredictor_thompson"

    def __init__(
        self, *, seed: int = 0, floor: float = usual_floor, drift: float = 0.0, most: int = 256
    ) -> None:
        super().__init__(seed=seed, floor=floor, most=most)
        if not 0.0 <= drift <= 1.0:
            raise SetupError(f"drift must be a share from 0 to 1; got {drift!r}")
        self.drift = drift
        self._buckets = Buckets(room)
        self._starts: dict[int | str, int] = {}
        self._memory = Memory(2048)
        self._model = AdPredictor(beta=1.0, epsilon=drift)

    def _learn(self, arm: int | str, context: Context, reward: float) -> None:
        self._memory.keep(self.lessons, arm, context, reward)
        self._take(arm, self._buckets.learn(context), reward > 0.0)

    def _correct(self, arm: int | str, context: Context, change: float) -> None:
        known = self._memory.change(self.lessons, arm, context, change)
        before = 0.0 if known is None else known[1]
        if (before > 0.0) != (before + change > 0.0):
            self._take(arm, self._buckets.learn(context), before + change > 0.0)

    def _take(self, arm: int | str, active: list[int], came: bool) -> None:
        model = self._model
        if bias not in model.means:
            # weights start with variance one: the noise is set so that together they explain half of it
            model.beta = (2.0 * (1.0 + 2.0 * len(active))) ** 0.5
            model.means[bias], model.variances[bias] = 0.0, model.beta**2
        start = self._starts.get(arm)
        if start is None:
            start = self._starts[arm] = room * (1 + max(self._starts.values(), default=0) // room)
        own = [start, *(start + feature for feature in active)]
        model.learn_one(dict.fromkeys([*active, *own], True), came)

    def _latent(self, arms: Sequence[Arm], context: Context) -> tuple[Floats, Floats]:
        """Mean and variance of what each arm adds to the shared part."""
        means, variances = self._model.means, self._model.variances
        active = [0, *self._buckets.active(context)]
        found = []
        for arm in arms:
            start = self._starts.get(arm)
            keys = [] if start is None else [key for each in active if (key := start + each) in means]
            unknown = len(active) - len(keys)
            found.append((sum([means[key] for key in keys]), unknown + sum([variances[key] for key in keys])))
        mean, variance = np.array(found, dtype=np.float64).T
        return mean, variance

    def _shares(self, arms: Sequence[Arm], context: Context) -> list[float]:
        mean, variance = self._latent(arms, context)
        return odds(list(zip(mean.tolist(), (width**2 * variance).tolist(), strict=True)))

    def values(self, arms: Sequence[Arm], context: Context) -> dict[Arm, float]:
        """The estimated probability of a reward above zero, for each arm."""
        means, variances = self._model.means, self._model.variances
        keys = [bias, *self._buckets.active(context)]
        mean, variance = self._latent(arms, context)
        mean += sum(means.get(key, 0.0) for key in keys)
        variance += self._model.beta**2 + sum(variances.get(key, 1.0) for key in keys)
        chances = [normal.cdf(each) for each in (mean / np.sqrt(variance)).tolist()]
        return dict(zip(arms, chances, strict=True))

    def _forget(self, arm: int | str) -> None:
        start = self._starts.pop(arm)
        for table in (self._model.means, self._model.variances):
            for key in [key for key in table if key != bias and start <= key < start + room]:
                del table[key]

    def _state(self) -> tuple[Any, ...]:
        means, variances = self._model.means.copy(), self._model.variances.copy()
        common = (self._model.beta, means.pop(bias, None), variances.pop(bias, None))
        weights = [
            np.fromiter(part, kind).tobytes()
            for part, kind in (
                (means.keys(), np.int64),
                (means.values(), np.float64),
                (variances.values(), np.float64),
            )
        ]
        own = (list(self._starts.items()), self._buckets.state(), self._memory.state(self.lessons))
        return (*own, common, weights)

    def _resume(self, state: tuple[Any, ...]) -> None:
        starts, buckets, memory, (beta, mean, variance), weights = state
        self._starts = dict(starts)
        self._buckets = Buckets.of(buckets)
        self._memory.resume(memory)
        if mean is not None:
            keys = np.frombuffer(weights[0], np.int64).tolist()
            means, variances = (np.frombuffer(part).tolist() for part in weights[1:])
            self._model.beta = beta
            self._model.means = {bias: mean} | dict(zip(keys, means, strict=True))
            self._model.variances = {bias: variance} | dict(zip(keys, variances, strict=True))
