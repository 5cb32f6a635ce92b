"""A cart that is worth too little for an offer."""

from typing import Final

from operators.streaming.messages import Moment
from schemas.shop import Offer

REASON: Final = "min_cart_value"


class MinCartValue:
    """Removes an offer whose ``min_cart_value``, in the market's currency, the cart does not reach."""

    def removes(self, moment: Moment, offer: Offer) -> str | None:
        """Return ``min_cart_value`` for a cart that is worth less."""
        return REASON if moment.cart_value < offer.min_cart_value else None
