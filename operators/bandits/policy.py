"""What every policy promises beyond River's interface: true probabilities, corrections, snapshots."""

import abc
from collections.abc import Sequence
from math import fsum
from typing import Any, ClassVar, Final, Self, cast

import msgspec
from river import bandit, stats

from operators.bandits.chance import Arm, pick, uniform
from operators.bandits.plans import Context, number
from schemas.errors import SetupError

version = 2
usual_floor: Final = 0.002
"""The floor of a policy that explores by itself."""


class Policy(bandit.base.ContextualPolicy, abc.ABC):
    """A contextual bandit that says with which probability it chooses each arm, and chooses by it.

    ``floor`` is the probability spread evenly over all eligible arms before the policy has its say.
    Bounded by ``most`` arms that are remembered; the one longest without a lesson gives way.
    """

    name: ClassVar[str]

    def __init__(self, *, seed: int = 0, floor: float = usual_floor, most: int = 256) -> None:
        super().__init__()
        if not 0.0 <= floor <= 1.0:
            raise SetupError(f"floor must be a probability from 0 to 1; got {floor!r}")
        if most < 1:
            raise SetupError(f"most must be at least 1 arm; got {most!r}")
        self.seed = seed
        self.floor = floor
        self.most = most
        self.lessons = 0
        self.pulls = 0

    @abc.abstractmethod
    def _shares(self, arms: Sequence[Arm], context: Context) -> list[float]:
        """What the probabilities before the floor are in proportion to, in the order of ``arms``."""

    @abc.abstractmethod
    def _learn(self, arm: int | str, context: Context, reward: float) -> None:
        """Takes in one lesson."""

    @abc.abstractmethod
    def _correct(self, arm: int | str, context: Context, change: float) -> None:
        """Takes in that a reward learned before has changed."""

    @abc.abstractmethod
    def _forget(self, arm: int | str) -> None:
        """Drops what is known of the arm."""

    @abc.abstractmethod
    def values(self, arms: Sequence[Arm], context: Context) -> dict[Arm, float]:
        """The estimated mean reward of each arm."""

    @abc.abstractmethod
    def _state(self) -> tuple[Any, ...]:
        """What the policy has learned, in plain types and bytes."""

    @abc.abstractmethod
    def _resume(self, state: tuple[Any, ...]) -> None:
        """Becomes what ``_state()`` told."""

    def probabilities(
        self, arms: Sequence[Arm], context: Context, *, seed: int | None = None
    ) -> dict[Arm, float]:
        """The probability of each of the arms, and of no other; they sum to one. Asking changes nothing.

        ``seed`` is for policies that draw to answer; those here compute, so it changes nothing.
        """
        del seed
        if not arms:
            raise ValueError("expected at least one arm to choose from; got none")
        shares = self._shares(arms, context)
        rest, share = (1.0 - self.floor) / fsum(shares), self.floor / len(arms)
        found = dict(zip(arms, [own * rest + share for own in shares], strict=True))
        if len(found) < len(arms):
            raise ValueError(f"expected each arm once; got {list(arms)!r}")
        return found

    def choose(self, arms: Sequence[Arm], context: Context, seed: int) -> tuple[Arm, dict[Arm, float]]:
        """An arm drawn by its probability, and all probabilities; the draw depends on the seed alone."""
        found = self.probabilities(arms, context)
        return pick(found, uniform(seed)), found

    def _pull(self, arm_ids: list[Arm], context: Context | None) -> Arm:  # type: ignore[override]
        self.pulls += 1
        chance = uniform((self.seed << 40) ^ self.pulls)
        return pick(self.probabilities(arm_ids, {} if context is None else context), chance)

    def update(self, arm_id: int | str, context: Context | None, reward: float) -> None:
        """One lesson: what the arm earned in the context."""
        if (plain := number(reward)) is None:
            raise ValueError(f"a reward must be a finite number; got {reward!r}")
        known = self._rewards.pop(arm_id, None)
        if known is not None:
            self._rewards[arm_id] = known
        elif len(self._rewards) >= self.most:
            oldest = next(iter(self._rewards))
            del self._rewards[oldest], self._counts[oldest]
            self._forget(oldest)
        super().update(arm_id, context, plain)  # type: ignore[no-untyped-call]
        self._learn(arm_id, {} if context is None else context, plain)
        self.lessons += 1

    def revise(self, arm: int | str, context: Context | None, change: float) -> None:
        """The reward learned for the arm in this context has changed by so much since."""
        if (plain := number(change)) is None:
            raise ValueError(f"a change of reward must be a finite number; got {change!r}")
        if arm in self._rewards:
            mean = cast("stats.Mean", self._rewards[arm])
            self._rewards[arm] = stats.Mean._from_state(mean.n, mean.get() + plain / mean.n)  # noqa: SLF001
        self._correct(arm, {} if context is None else context, plain)

    def dumps(self) -> bytes:
        """The whole policy as bytes that ``loads`` understands, in this version of the format."""
        known = cast("dict[int | str, stats.Mean]", self._rewards)
        means = [(arm, mean.n, mean.get()) for arm, mean in known.items()]
        counts = (self.lessons, self.pulls)
        return msgspec.msgpack.encode((version, self.name, self._settings(), counts, means, self._state()))

    @classmethod
    def loads(cls, data: bytes) -> Self:
        """The policy that ``dumps`` wrote: the same probabilities and, from then on, the same lessons."""
        found, name, settings, counts, means, state = msgspec.msgpack.decode(data, strict=False)
        if (found, name) != (version, cls.name):
            raise ValueError(f"expected a snapshot of {cls.name} {version}; got one of {name} {found}")
        self = cls(**settings)
        self.lessons, self.pulls = counts
        for arm, count, mean in means:
            self._rewards[arm] = stats.Mean._from_state(count, mean)  # noqa: SLF001
            self._counts[arm] = int(count)
        self._n = self.lessons
        self._resume(state)
        return self

    def _settings(self) -> dict[str, Any]:
        return dict(self._get_params())
