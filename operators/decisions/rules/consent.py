"""A channel on which the person does not want, or may not get, offers."""

from collections.abc import Hashable
from typing import Final

from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Market, Offer, Shop

REASON: Final = "no_consent"


class Consent(Rule):
    """Removes an offer on a channel that was denied, or that needs a consent which was not granted."""

    name = "consent"

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the channels that need consent in this market."""
        self._required = frozenset(market.rules.consent.required)

    def alike(self, offer: Offer) -> Hashable:
        """Return its channel."""
        return offer.channel

    def spares(self, now: Situation) -> bool:
        """Return whether the person denied no channel, and granted all that need it."""
        consents = now.consents
        for given in consents.values():
            if not given.granted:
                return False
        return self._required <= consents.keys()

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``no_consent`` where the person may not get offers on the channel of this one."""
        given = now.consent(offer.channel)
        if given is None:
            return REASON if offer.channel in self._required else None
        return None if given.granted else REASON
