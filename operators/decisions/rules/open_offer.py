"""At most one open offer for a person."""

from typing import Final

from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Offer

REASON: Final = "open_offer"


class OpenOffer(Rule):
    """Removes all offers of a person who holds one, also one that is still to be published."""

    name = "open_offer"

    def alike(self, offer: Offer) -> None:
        """All offers are."""

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``open_offer`` for a person whose offer is not over."""
        for each in now.held:
            if each.offer_open:
                return REASON
        return None
