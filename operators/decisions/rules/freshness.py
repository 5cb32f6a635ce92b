"""A channel that is too late: nobody wants a banner about the page before last."""

from collections.abc import Hashable
from typing import Final

from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Market, Offer, Shop

STALE: Final = "stale"


class Freshness(Rule):
    """Removes an offer whose channel's maximal age the moment had passed when it was read.

    The age is by the wall clock at which the moment was read; in replay nothing is late.
    """

    name = "freshness"

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the ages by channel."""
        ages = market.rules.freshness
        self._max_age_s = {
            "on_site": ages.on_site.total_seconds(),
            "app": ages.app.total_seconds(),
            "email": ages.email.total_seconds(),
        }
        self._least_s = min(self._max_age_s.values())

    def alike(self, offer: Offer) -> Hashable:
        """Return its channel."""
        return offer.channel

    def spares(self, now: Situation) -> bool:
        """Return whether the moment is new enough for every channel."""
        read_s = now.moment.read_s
        return read_s is None or read_s - now.at_s <= self._least_s

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``stale`` for a moment that was read too late for the offer's channel."""
        read_s = now.moment.read_s
        if read_s is None or read_s - now.at_s <= self._max_age_s[offer.channel]:
            return None
        return STALE
