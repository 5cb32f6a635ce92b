"""What somebody has stopped: one offer, a market, or all."""

from typing import Final

from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import Market, Offer, Shop

KILLED: Final = "killed"
PAUSED: Final = "paused"


class Paused(Rule):
    """Removes an offer that is ``paused``, and all offers of a market or a shop that is ``killed``."""

    name = "paused"

    def __init__(self) -> None:
        self._is_killed = False

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the kill switches."""
        self._is_killed = shop.killed or market.killed

    def concerns(self, offer: Offer) -> bool:
        """Return whether the offer, its market or the shop is stopped."""
        return self._is_killed or offer.paused

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``killed`` or ``paused``."""
        if self._is_killed:
            return KILLED
        return PAUSED if offer.paused else None
