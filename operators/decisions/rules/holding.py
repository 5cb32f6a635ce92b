"""When an offer is published that is made now: rules ask what will be then."""

from collections.abc import Callable
from typing import Final

from operators.decisions.rules.rule import Situation
from schemas.shop import Offer

HeldUntil = Callable[[Offer, Situation], float | None]
"""Until when an offer that is made now is held before it is published, None where it is not."""

Holds = Callable[[Situation], bool]
"""Whether any offer that is made now may be held."""
PERHAPS: Final[Holds] = lambda _now: True  # noqa: E731  a value


class Publication:
    """Says when offers are published that are made now."""

    def __init__(self, held_until_s: HeldUntil, holds: Holds = PERHAPS) -> None:
        self._held_until_s = held_until_s
        self.holds = holds

    def at_s(self, offer: Offer, now: Situation) -> float:
        """Return when an offer that is made now is published."""
        held_s = self._held_until_s(offer, now)
        return now.at_s if held_s is None or held_s < now.at_s else held_s
