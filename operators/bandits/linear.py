"""The ground under the linear policies: regressions of the reward, one an arm."""

import abc
from collections.abc import Sequence
from typing import Any

from operators.bandits.arms import Arms, Belief, Group
from operators.bandits.chance import Arm
from operators.bandits.columns import Columns
from operators.bandits.hierarchy import Ties
from operators.bandits.memory import Memory
from operators.bandits.plans import Context
from operators.bandits.policy import Policy, usual_floor
from schemas.errors import SetupError


class LinearPolicy(Policy):
    """A policy that judges each arm by its linear regression.

    What an arm is like before it has lessons is learned from all arms (see ``MetaPrior``), unless
    ``learn_prior`` is false. ``half_life`` is the number of lessons after which a lesson counts half (None:
    nothing is forgotten). ``revise`` is exact for the last 2,048 lessons, the learned prior included; of an
    older one the weights are exact and the noise is corrected as if the reward had been what was to be
    expected. Bounded by ``room`` columns of features: at most 24 bytes times ``room`` squared an arm, 16 of
    them in a snapshot.
    """

    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        *,
        seed: int = 0,
        floor: float = usual_floor,
        half_life: float | None = 4000.0,
        learn_prior: bool = True,
        room: int = 256,
        most: int = 256,
    ) -> None:
        super().__init__(seed=seed, floor=floor, most=most)
        if half_life is not None and not half_life > 0.0:
            raise SetupError(f"half_life must be a positive number of lessons, or None; got {half_life!r}")
        if room < 1:
            raise SetupError(f"room must be at least 1 column; got {room!r}")
        self.half_life = half_life
        self.learn_prior = learn_prior
        self.room = room
        keep = 1.0 if half_life is None else 0.5 ** (1.0 / half_life)
        self._arms = Arms(Columns(room), Ties(keep=keep, learned=learn_prior))
        self._memory = Memory(2048)

    @abc.abstractmethod
    def _prefer(self, beliefs: list[Belief]) -> list[float]:
        """What the probability of each arm is in proportion to, given what is believed of them."""

    def _shares(self, arms: Sequence[Arm], context: Context) -> list[float]:
        return self._prefer(self._arms.believe(arms, context))

    def values(self, arms: Sequence[Arm], context: Context) -> dict[Arm, float]:
        """The estimated mean reward of each arm."""
        beliefs = self._arms.believe(arms, context)
        return {arm: mean for arm, (mean, _, _) in zip(arms, beliefs, strict=True)}

    def meta_prior(self) -> dict[str, Group]:
        """Mean and variance of the weights of each feature over arms: what a new arm is believed to be."""
        return self._arms.groups()

    def _learn(self, arm: int | str, context: Context, reward: float) -> None:
        self._memory.keep(self.lessons, arm, context, reward)
        self._arms.learn(arm, context, reward)

    def _correct(self, arm: int | str, context: Context, change: float) -> None:
        known = self._memory.change(self.lessons, arm, context, change)
        if known is None:
            expected = self._arms.believe((arm,), context)[0]
            known = (max(0, self.lessons - self._memory.most), expected[0])
        self._arms.correct(arm, context, *known, change)

    def _forget(self, arm: int | str) -> None:
        self._arms.leave(arm)

    def _state(self) -> tuple[Any, ...]:
        return (self._arms.state(), self._memory.state(self.lessons))

    def _resume(self, state: tuple[Any, ...]) -> None:
        arms, memory = state
        self._arms.resume(arms)
        self._memory.resume(memory)
