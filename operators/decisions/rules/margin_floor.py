"""The least margin that a cart must leave after an offer."""

import math
from typing import Final, NamedTuple

from operators.decisions.rules.rule import Rule, Situation
from schemas.rules import Margin
from schemas.shop import DISCOUNT_KINDS, Market, Offer, Shop

BELOW: Final = "margin_floor"
UNKNOWN: Final = "margin_unknown"
ROUNDING: Final = 1e-9
"""So much of what is paid may be missing: amounts are no binary fractions."""


class _Cost(NamedTuple):
    """What an offer costs: a share of the cart up to a limit, and an amount; whether it lowers the price."""

    share: float
    limit: float
    fixed: float
    is_discount: bool


class MarginFloor(Rule):
    """Removes an offer that would sell the cart below the market's floor, a share of what is paid for it.

    What the offer costs is by its cost rule at the cart's value, as if it were redeemed. A discount lowers
    what is paid; anything else costs the shop and leaves the price as it is.
    """

    name = "margin_floor"

    def __init__(self) -> None:
        self._margin = Margin()
        self._costs: dict[str, _Cost] = {}

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the floor, and what offers cost."""
        self._margin = market.rules.margin
        self._costs = {offer.name: _cost(offer) for offer in shop.arms(market.name)}

    def concerns(self, offer: Offer) -> bool:
        """Return whether there is a floor."""
        return self._margin.floor is not None

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``margin_floor`` for an offer that costs too much, ``margin_unknown`` where nobody knows."""
        floor = self._margin.floor
        if floor is None:
            return None
        margin = now.margin
        if margin is None:
            return UNKNOWN if self._margin.unknown == "remove" else None
        value = now.moment.cart_value
        share, limit, fixed, is_discount = self._costs[offer.name]
        cost = min(share * value, limit) + fixed
        paid = max(value - cost, 0.0) if is_discount else value
        return BELOW if margin - cost < floor * paid - ROUNDING * value else None


def _cost(offer: Offer) -> _Cost:
    limit = math.inf if offer.max_discount is None else offer.max_discount
    return _Cost(offer.cost.share, limit, offer.cost.fixed, offer.kind in DISCOUNT_KINDS)
