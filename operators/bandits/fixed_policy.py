"""Policies that learn nothing, to compare others with: no offer, always the same arm, every arm alike."""

from collections.abc import Sequence
from typing import Any, Final, cast

from river import stats
from typing_extensions import override

from operators.bandits import defaults
from operators.bandits.context import Arm, Context, Surcharges
from operators.bandits.policy import Policy
from schemas.errors import SetupError

RULES: Final = ("none", "uniform")
ALWAYS: Final = "always:"


def is_fixed(spec: str) -> bool:
    """Return whether a policy spec is one of `none`, `uniform`, `always:ARM`.

    >>> is_fixed("always:ten_percent"), is_fixed("linucb")
    (True, False)
    """
    return spec in RULES or spec.startswith(ALWAYS)


class FixedPolicy(Policy):
    """Chooses by a rule and learns nothing.

    Parameters
    ----------
    rule
        `none` always chooses the fallback, `always:ARM` that arm, `uniform` every arm alike.
    seed
        Seed of the draws of ``pull``; ``choose`` takes one with every call.
    floor
        Probability from 0 to 1 that is spread evenly over the eligible arms, in addition to the rule.
    max_arms
        Arms whose mean reward is remembered, at least 1.
    fallback
        The arm that is chosen where that of the rule is not eligible; without either, the first one.

    Raises
    ------
    SetupError
        For a rule that is none of these, or a parameter out of its range.
    """

    name = "fixed"

    def __init__(
        self,
        *,
        rule: str,
        seed: int = 0,
        floor: float = 0.0,
        max_arms: int = defaults.MAX_ARMS,
        fallback: str = "no_offer",
    ) -> None:
        super().__init__(seed=seed, floor=floor, max_arms=max_arms)
        if not is_fixed(rule) or rule == ALWAYS:
            raise SetupError(f"a fixed policy must be none, uniform or always:ARM; got {rule!r}")
        self.rule = rule
        self.fallback = fallback
        self._arm = rule.removeprefix(ALWAYS) if rule.startswith(ALWAYS) else fallback

    @override
    def _allocation(
        self, arms: Sequence[Arm], context: Context, surcharges: Surcharges | None
    ) -> list[float]:
        if self.rule == "uniform":
            return [1.0 / len(arms)] * len(arms)
        chosen = next((each for each in (self._arm, self.fallback) if each in arms), arms[0])
        return [float(arm == chosen) for arm in arms]

    @override
    def values(self, arms: Sequence[Arm], context: Context) -> dict[Arm, float]:
        """Return the mean reward of each arm so far, 0 before the first."""
        known = cast("dict[int | str, stats.Mean]", self._rewards)
        return {arm: known[arm].get() if arm in known else 0.0 for arm in arms}

    @override
    def _learn(self, arm: int | str, context: Context, reward: float) -> float:
        return reward

    @override
    def _correct(self, arm: int | str, context: Context, change: float) -> float:
        return change

    @override
    def _forget(self, arm: int | str) -> None: ...

    @override
    def _state(self) -> tuple[Any, ...]:
        return ()

    @override
    def _restore(self, state: tuple[Any, ...]) -> None: ...
