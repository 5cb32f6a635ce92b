"""When an offer is published that is made now: rules ask what will be then."""

from collections.abc import Callable

from operators.decisions.rules.rule import Situation
from schemas.shop import Offer

HeldUntil = Callable[[Offer, Situation], float | None]
"""Until when an offer that is made now is held before it is published, None where it is not.

It is the same for all offers of a channel.
"""


def published_s(offer: Offer, now: Situation, held_until_s: HeldUntil) -> float:
    """Return when an offer that is made now is published."""
    held_s = held_until_s(offer, now)
    return now.at_s if held_s is None else max(now.at_s, held_s)
