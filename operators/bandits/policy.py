"""What every policy guarantees beyond River's interface: probabilities, corrections and snapshots."""

import abc
from collections.abc import Sequence
from math import fsum
from typing import Any, ClassVar, Final, Self, cast

import msgspec
from river import bandit, stats

from operators.bandits import defaults
from operators.bandits.context import Arm, Context, Surcharges, finite_number
from operators.bandits.sampling import pick, uniform
from schemas.errors import SetupError

SNAPSHOT_VERSION: Final = 4


class Policy(bandit.base.ContextualPolicy, abc.ABC):
    """A contextual bandit that reports the probability of each arm and chooses by these probabilities.

    Bounded by ``max_arms``: the arm whose last update is oldest is forgotten first.

    Parameters
    ----------
    seed
        Seed of the draws of ``pull``; ``choose`` takes one with every call.
    floor
        Probability from 0 to 1 that is spread evenly over the eligible arms; the policy divides the rest.
    max_arms
        Arms that are remembered, at least 1.

    Raises
    ------
    SetupError
        For a parameter out of its range.

    Attributes
    ----------
    updates
        Rewards learned so far.
    pulls
        Arms drawn by ``pull`` so far.
    """

    name: ClassVar[str]

    estimates_rewards: ClassVar[bool] = True
    """Whether ``values`` are in the unit of the rewards."""

    def __init__(
        self, *, seed: int = 0, floor: float = defaults.FLOOR, max_arms: int = defaults.MAX_ARMS
    ) -> None:
        super().__init__()
        if not 0.0 <= floor <= 1.0:
            raise SetupError(f"floor must be a probability from 0 to 1; got {floor!r}")
        if max_arms < 1:
            raise SetupError(f"max_arms must be at least 1 arm; got {max_arms!r}")
        self.seed = seed
        self.floor = floor
        self.max_arms = max_arms
        self.updates = 0
        self.pulls = 0

    def crowded_features(self) -> int:
        """Return how many text features have more words than are told apart; 0 where none are learned."""
        return 0

    @abc.abstractmethod
    def _allocation(
        self, arms: Sequence[Arm], context: Context, surcharges: Surcharges | None
    ) -> list[float]:
        """Return what the probabilities before the floor are proportional to, in the order of ``arms``."""

    @abc.abstractmethod
    def _learn(self, arm: int | str, context: Context, reward: float) -> float:
        """Learn the reward of an arm in a context; return what of it was trained with."""

    @abc.abstractmethod
    def _correct(self, arm: int | str, context: Context, change: float) -> float:
        """Correct a reward that was learned before; return by how much what was trained with has changed."""

    @abc.abstractmethod
    def _forget(self, arm: int | str) -> None:
        """Forget the arm."""

    @abc.abstractmethod
    def values(self, arms: Sequence[Arm], context: Context) -> dict[Arm, float]:
        """Return the estimated mean reward of each arm."""

    def estimates(self, arms: Sequence[Arm], context: Context) -> dict[Arm, tuple[float, float]]:
        """Return mean reward and standard deviation of this mean of each arm; empty where none is known."""
        del arms, context
        return {}

    def contributions(
        self, arm: int | str, other: int | str, context: Context
    ) -> tuple[float, dict[str, float]] | None:
        """Return by how much each feature raises the value of one arm above another's, None for no sum.

        The first number is the difference where every feature is at its mean over all updates.
        """
        del arm, other, context
        return None

    @abc.abstractmethod
    def _state(self) -> tuple[Any, ...]:
        """Return what the policy has learned, in plain types and bytes."""

    @abc.abstractmethod
    def _restore(self, state: tuple[Any, ...]) -> None:
        """Become what gave this ``_state()``."""

    def probabilities(
        self,
        arms: Sequence[Arm],
        context: Context,
        *,
        seed: int | None = None,
        surcharges: Surcharges | None = None,
    ) -> dict[Arm, float]:
        """Return the probability of each of the arms; they sum to one. Nothing changes in the policy.

        ``surcharges`` say by how much the expected reward of an arm is lowered in this choice, in the unit of
        ``values``: a price on what the arm uses up. A policy that does not go by rewards ignores them.
        ``seed`` is for policies that draw to answer; the policies here compute, so it changes nothing. Raises
        ValueError where there is no arm or one comes twice.
        """
        del seed
        if not arms:
            raise ValueError("expected at least one arm to choose from; got none")
        shares = self._allocation(arms, context, surcharges)
        rest, share = (1.0 - self.floor) / fsum(shares), self.floor / len(arms)
        found = dict(zip(arms, [own * rest + share for own in shares], strict=True))
        if len(found) < len(arms):
            raise ValueError(f"expected each arm once; got {list(arms)!r}")
        return found

    def choose(
        self, arms: Sequence[Arm], context: Context, seed: int, surcharges: Surcharges | None = None
    ) -> tuple[Arm, dict[Arm, float]]:
        """Return an arm drawn by its probability, and all probabilities; the draw depends on the seed alone.

        ``surcharges`` and what is raised are those of ``probabilities``.
        """
        found = self.probabilities(arms, context, surcharges=surcharges)
        return pick(found, uniform(seed)), found

    def _pull(self, arm_ids: list[Arm], context: Context | None) -> Arm:  # type: ignore[override]
        self.pulls += 1
        u = uniform((self.seed << 40) ^ self.pulls)
        return pick(self.probabilities(arm_ids, {} if context is None else context), u)

    def update(self, arm_id: int | str, context: Context | None, reward: float) -> float:
        """Learn what the arm earned in the context, and return the reward that the policy was trained with.

        It is another one than ``reward`` where that was capped. Raises ValueError for a reward that is not a
        finite number.
        """
        if (number := finite_number(reward)) is None:
            raise ValueError(f"a reward must be a finite number; got {reward!r}")
        known = self._rewards.pop(arm_id, None)
        if known is not None:
            self._rewards[arm_id] = known
        elif len(self._rewards) >= self.max_arms:
            oldest = next(iter(self._rewards))
            del self._rewards[oldest], self._counts[oldest]
            self._forget(oldest)
        super().update(arm_id, context, number)  # type: ignore[no-untyped-call]
        trained = self._learn(arm_id, {} if context is None else context, number)
        self.updates += 1
        return trained

    def revise(self, arm: int | str, context: Context | None, change: float) -> float:
        """Correct the reward that was learned for the arm in this context by ``change``.

        Return by how much the reward that the policy was trained with has changed. Raises ValueError for a
        change that is not a finite number.
        """
        if (number := finite_number(change)) is None:
            raise ValueError(f"a change of reward must be a finite number; got {change!r}")
        if arm in self._rewards:
            mean = cast("stats.Mean", self._rewards[arm])
            self._rewards[arm] = stats.Mean._from_state(mean.n, mean.get() + number / mean.n)  # noqa: SLF001
        return self._correct(arm, {} if context is None else context, number)

    def dumps(self) -> bytes:
        """Return the whole policy as bytes, which ``loads`` reads in the same version of the format."""
        known = cast("dict[int | str, stats.Mean]", self._rewards)
        means = [(arm, mean.n, mean.get()) for arm, mean in known.items()]
        counts = (self.updates, self.pulls)
        return msgspec.msgpack.encode(
            (SNAPSHOT_VERSION, self.name, self._settings(), counts, means, self._state())
        )

    @classmethod
    def loads(cls, data: bytes) -> Self:
        """Return the policy that ``dumps`` wrote: the same probabilities now and after any further updates.

        Raises ValueError for the snapshot of another policy or version.
        """
        found, name, settings, counts, means, state = msgspec.msgpack.decode(data, strict=False)
        if (found, name) != (SNAPSHOT_VERSION, cls.name):
            raise ValueError(
                f"expected a snapshot of {cls.name} {SNAPSHOT_VERSION}; got one of {name} {found}"
            )
        self = cls(**settings)
        self.updates, self.pulls = counts
        for arm, count, mean in means:
            self._rewards[arm] = stats.Mean._from_state(count, mean)  # noqa: SLF001
            self._counts[arm] = int(count)
        self._n = self.updates
        self._restore(state)
        return self

    def _settings(self) -> dict[str, Any]:
        return dict(self._get_params())
