"""Policies that learn nothing, for others to be compared with: none, always the same arm, any arm alike."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from river import stats
from typing_extensions import override

from operators.bandits.chance import Arm
from operators.bandits.policy import Policy
from schemas.errors import SetupError
from schemas.shop import NO_OFFER

RULES: Final = ("none", "uniform")
ALWAYS: Final = "always:"


def is_fixed(spec: str) -> bool:
    """Return whether a policy's name is one of these: `none`, `uniform`, `always:ARM`."""
    return spec in RULES or spec.startswith(ALWAYS)


class Fixed(Policy):
    """Chooses by a rule: `none` never makes an offer, `always:ARM` that arm, `uniform` every arm alike.

    Where ARM is not eligible no offer is made. Nothing is explored beyond the rule: the floor is 0.
    """

    name = "fixed"

    def __init__(self, *, rule: str, seed: int = 0, floor: float = 0.0, most: int = 256) -> None:
        super().__init__(seed=seed, floor=floor, most=most)
        if not is_fixed(rule) or rule == ALWAYS:
            raise SetupError(f"a fixed policy must be none, uniform or always:ARM; got {rule!r}")
        self.rule = rule
        self._arm = rule.removeprefix(ALWAYS) if rule.startswith(ALWAYS) else NO_OFFER

    @override
    def _shares(self, arms: Sequence[Arm], context: Mapping[str, Any]) -> list[float]:
        if self.rule == "uniform":
            return [1.0 / len(arms)] * len(arms)
        chosen = next((each for each in (self._arm, NO_OFFER) if each in arms), arms[0])
        return [float(arm == chosen) for arm in arms]

    @override
    def values(self, arms: Sequence[Arm], context: Mapping[str, Any]) -> dict[Arm, float]:
        """The mean reward of each arm so far, 0 before the first."""
        known = cast("dict[int | str, stats.Mean]", self._rewards)
        return {arm: known[arm].get() if arm in known else 0.0 for arm in arms}

    @override
    def _learn(self, arm: int | str, context: Mapping[str, Any], reward: float) -> None: ...

    @override
    def _correct(self, arm: int | str, context: Mapping[str, Any], change: float) -> None: ...

    @override
    def _forget(self, arm: int | str) -> None: ...

    @override
    def _state(self) -> tuple[Any, ...]:
        return ()

    @override
    def _resume(self, state: tuple[Any, ...]) -> None: ...
