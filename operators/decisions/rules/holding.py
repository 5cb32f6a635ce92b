"""When an offer is published that is made now: rules ask what will be then."""

from collections.abc import Callable

from operators.decisions.rules.rule import Situation
from schemas.rules import Channel
from schemas.shop import Offer

HeldUntil = Callable[[Offer, Situation], float | None]
"""Until when an offer that is made now is held before it is published, None where it is not."""


class Publication:
    """Says when offers are published that are made now; it is found out once a moment for each channel."""

    def __init__(self, held_until_s: HeldUntil) -> None:
        self._held_until_s = held_until_s
        self._now: Situation | None = None
        self._at_s: dict[Channel, float] = {}

    def at_s(self, offer: Offer, now: Situation) -> float:
        """Return when an offer that is made now is published."""
        if self._now is not now:
            self._now, self._at_s = now, {}
        at_s = self._at_s.get(offer.channel)
        if at_s is None:
            held_s = self._held_until_s(offer, now)
            at_s = self._at_s[offer.channel] = now.at_s if held_s is None else max(now.at_s, held_s)
        return at_s
