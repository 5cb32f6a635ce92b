"""A product that is not in stock: nobody can buy it, whatever the offer."""

from collections.abc import Hashable, Iterable
from typing import Final

from operators.decisions.catalog import is_short
from operators.decisions.rules.rule import Rule, Situation
from schemas.rules import Stock
from schemas.shop import Market, Offer, Shop

REASON: Final = "out_of_stock"


class StockRule(Rule):
    """Removes all offers where a product of the cart is out of stock, and those that need one that is."""

    name = "stock"

    def __init__(self) -> None:
        self._at_least = Stock().at_least
        self._needed: tuple[str, ...] = ()
        self._asked: Situation | None = None
        self._is_cart_short = False

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up how many pieces are needed."""
        self._at_least = market.rules.stock.at_least
        self._needed = tuple(dict.fromkeys(sku for offer in shop.arms(market.name) for sku in offer.skus))
        self._asked = None

    def alike(self, offer: Offer) -> Hashable:
        """Return the products it needs."""
        return offer.skus

    def spares(self, now: Situation) -> bool:
        """Return whether there is enough of the cart, and of whatever any offer needs."""
        at_least = self._at_least
        for sku in self._needed:
            now.product(sku)
        for product in now.products.values():
            if product is not None and product.stock is not None and product.stock < at_least:
                return False
        return True

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``out_of_stock`` where there are too few pieces of what is needed."""
        if self._asked is not now:  # the cart is the same for every offer
            self._asked = now
            self._is_cart_short = self._is_short(now.cart_skus, now)
        if self._is_cart_short or (offer.skus and self._is_short(offer.skus, now)):
            return REASON
        return None

    def _is_short(self, skus: Iterable[str], now: Situation) -> bool:
        return any(is_short(now.product(sku), self._at_least) for sku in skus)
