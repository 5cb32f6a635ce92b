"""A channel that is too late: nobody wants a banner about the page before last."""

from collections.abc import Mapping
from typing import Final

from operators.streaming.messages import Moment
from schemas.shop import Offer

STALE: Final = "stale"


class Freshness:
    """Removes an offer whose channel's maximal age the moment had passed when it was read.

    The age is by the wall clock at which the moment was read; in replay nothing is late. ``max_age_s`` gives
    the seconds by channel.
    """

    def __init__(self, max_age_s: Mapping[str, float]) -> None:
        self._max_age_s = max_age_s

    def removes(self, moment: Moment, offer: Offer) -> str | None:
        """Return ``stale`` for a moment that was read too late for the offer's channel."""
        if moment.read_s is None or moment.read_s - moment.at_s <= self._max_age_s[offer.channel]:
            return None
        return STALE
