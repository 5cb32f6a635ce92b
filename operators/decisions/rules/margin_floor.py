"""The least margin that a cart must leave after an offer."""

from collections.abc import Hashable
from typing import Final

from operators.decisions.ledger import CostRule
from operators.decisions.reward import cost_rule
from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import DISCOUNT_KINDS, Market, Offer, Shop

BELOW: Final = "margin_floor"
UNKNOWN: Final = "margin_unknown"
ROUNDING: Final = 1e-9
"""So much of what is paid may be missing: amounts are no binary fractions."""


class MarginFloor(Rule):
    """Removes an offer that would sell the cart below the market's floor, a share of what is paid for it.

    What the offer costs is by its cost rule at the cart's value, as if it were redeemed. A discount lowers
    what is paid; anything else costs the shop and leaves the price as it is.
    """

    name = "margin_floor"

    def __init__(self) -> None:
        self._floor: float | None = None
        self._unknown: str | None = None
        self._costs: dict[str, CostRule] = {}
        self._dearest = CostRule("redeemed", 0.0, 0.0)

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the floor, and what offers cost."""
        self._floor = market.rules.margin.floor
        self._unknown = UNKNOWN if market.rules.margin.unknown == "remove" else None
        self._costs = {offer.name: cost_rule(offer) for offer in shop.arms(market.name)}
        costs = self._costs.values()
        share, fixed = (
            max((getattr(each, part) for each in costs), default=0.0) for part in ("share", "fixed")
        )
        self._dearest = CostRule("redeemed", share, fixed)

    def concerns(self, offer: Offer) -> bool:
        """Return whether there is a floor."""
        return self._floor is not None

    def alike(self, offer: Offer) -> Hashable:
        """Return what it costs, and whether it lowers what is paid."""
        return self._costs[offer.name], offer.kind in DISCOUNT_KINDS

    def spares(self, now: Situation) -> bool:
        """Return whether the cart bears even the greatest share and amount, beside its full price."""
        floor, margin, value = self._floor, now.margin, now.moment.cart_value
        if floor is None or floor < 0.0 or margin is None:
            return False
        return margin - self._dearest.at_cart(value) >= floor * value

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``margin_floor`` for an offer that costs too much, ``margin_unknown`` where nobody knows."""
        floor = self._floor
        if floor is None:
            return None
        margin = now.margin
        if margin is None:
            return self._unknown
        value = now.moment.cart_value
        cost = self._costs[offer.name].at_cart(value)
        paid = value if offer.kind not in DISCOUNT_KINDS else value - cost if value > cost else 0.0
        return BELOW if margin - cost < floor * paid - ROUNDING * value else None
