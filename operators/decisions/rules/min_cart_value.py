"""A cart that is worth too little for an offer."""

from typing import Final

from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Offer

REASON: Final = "min_cart_value"


class MinCartValue(Rule):
    """Removes an offer whose ``min_cart_value``, in the market's currency, the cart does not reach."""

    name = "min_cart_value"

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``min_cart_value`` for a cart that is worth less."""
        return REASON if now.moment.cart_value < offer.min_cart_value else None
