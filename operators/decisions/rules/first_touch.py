"""Whoever is decided about for the first time gets no discount."""

from typing import Final

from operators.decisions.rules.person_history import Histories
from operators.decisions.rules.rule import Rule, Situation
from schemas.shop import DISCOUNT_KINDS, Market, Offer, Shop

REASON: Final = "first_touch"


class FirstTouch(Rule):
    """Removes discounts at the first touch of a person, where ``first_touch = "no_discount"``.

    A later touch follows an earlier decision in the ledger that had a choice, for whatever cart, or that was
    about another cart: so a shop that has nothing but discounts begins with a person's second cart. Decisions
    that are newer than the moment do not count.
    """

    name = "first_touch"

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        self._is_on = False

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up whether discounts are removed."""
        self._is_on = market.rules.first_touch == "no_discount"

    def concerns(self, offer: Offer) -> bool:
        """Return whether the rule is on and the offer is a discount."""
        return self._is_on and offer.kind in DISCOUNT_KINDS

    def alike(self, offer: Offer) -> None:
        """All offers are."""

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``first_touch`` for a discount to somebody of whom no earlier touch is known."""
        if not self.concerns(offer):
            return None
        was_touched = any(
            terms.at_s < now.at_s and (terms.had_choice or terms.cart != now.moment.cart)
            for terms in self._histories.of(now).decisions()
        )
        return None if was_touched else REASON
