"""How long shoppers take, cut so that every order falls into the reward window of its decision."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.shop import Offer

PAUSE_S: Final = 600.0
"""No shopper returns to a cart sooner without an offer, so an offer for an idle cart comes in time."""
RETURN_AT_MOST_S: Final = 7200.0
DELAY_AT_MOST_S: Final = {"on_site": 1500.0, "app": 7200.0, "email": 14400.0}
"""The longest time from a decision to the order it leads to, by channel."""
LEAST_DELAY_S: Final = 15.0


class ResponseTiming(NamedTuple):
    """Bounds of the times that shoppers of one shop take, in seconds."""

    pause_s: float
    return_at_most_s: float

    @classmethod
    def of(cls, offers: Sequence[Offer]) -> "ResponseTiming":
        """Return the timing that fits the reward windows of these offers."""
        shortest_s = min((offer.reward_window.total_seconds() for offer in offers), default=RETURN_AT_MOST_S)
        return cls(min(PAUSE_S, 0.3 * shortest_s), min(RETURN_AT_MOST_S, 0.8 * shortest_s))

    @staticmethod
    def delay_at_most_s(offer: Offer) -> float:
        """Return the longest time from a decision to an order with this offer."""
        limit_s = min(offer.expires_after.total_seconds(), offer.reward_window.total_seconds())
        return max(min(DELAY_AT_MOST_S[offer.channel], 0.8 * limit_s), 2 * LEAST_DELAY_S)
