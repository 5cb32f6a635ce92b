"""Whom offers are for: which carts, which visitors, and what an expression says."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from operators.decisions.audience import Expression, Values
from operators.decisions.rules.audience_fields import cart_categories, cart_skus, field_values, is_new
from operators.decisions.rules.rule import Rule, Situation
from schemas.rules import MATCH_ALL, Audience
from schemas.shop import Market, Offer, Shop

EXPRESSION: Final = "audience"
MIN_CART_VALUE: Final = "min_cart_value"
MAX_CART_VALUE: Final = "max_cart_value"
VISITOR: Final = "visitor_kind"
SKU: Final = "sku"
CATEGORY: Final = "category"


class _Compiled(NamedTuple):
    """An audience with its expression compiled."""

    audience: Audience
    when: Expression | None


class AudienceRule(Rule):
    """Removes an offer that is not for this cart or visitor, by its own audience or by its market's.

    Expressions are compiled once, and the values of their fields are found out once a moment, where an offer
    has an expression.
    """

    name = "audience"

    def __init__(self) -> None:
        self._of_offer: dict[str, tuple[_Compiled, ...]] = {}
        self._now: Situation | None = None
        self._values: Values | None = None

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the audiences; raises AudienceError for an expression that ``check_audiences`` refuses."""
        of_all = _compiled(market.rules.audience)
        self._of_offer = {
            offer.name: (*of_all, *_compiled(_with_minimum(offer))) for offer in shop.arms(market.name)
        }

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return the first thing that does not fit.

        It is ``min_cart_value``, ``max_cart_value``, ``visitor_kind``, ``sku``, ``category``, or ``audience``
        for the expression.
        """
        for audience, when in self._of_offer[offer.name]:
            reason = _misfit(audience, now)
            if reason is None and when is not None and not when.holds(self._values_of(now)):
                reason = EXPRESSION
            if reason is not None:
                return reason
        return None

    def _values_of(self, now: Situation) -> Values:
        if self._values is None or self._now is not now:
            self._now, self._values = now, Values(field_values(now))
        return self._values


def _compiled(audience: Audience) -> tuple[_Compiled, ...]:
    """Return an audience to be asked, nothing where everybody fits."""
    if audience == Audience():
        return ()
    return (_Compiled(audience, None if audience.when == MATCH_ALL else Expression(audience.when)),)


def _with_minimum(offer: Offer) -> Audience:
    minimum = max(offer.min_cart_value, offer.audience.min_cart_value)
    return offer.audience.model_copy(update={"min_cart_value": minimum})


def _misfit(audience: Audience, now: Situation) -> str | None:
    """Return what of the cart or the visitor does not fit an audience."""
    value, visitors = now.moment.cart_value, audience.visitors
    if value < audience.min_cart_value:
        return MIN_CART_VALUE
    if audience.max_cart_value is not None and value > audience.max_cart_value:
        return MAX_CART_VALUE
    if (visitors == "known" and now.user is None) or (visitors == "new" and not is_new(now)):
        return VISITOR
    if (audience.skus or audience.without_skus) and not _fits(
        cart_skus(now), audience.skus, audience.without_skus
    ):
        return SKU
    if (audience.categories or audience.without_categories) and not _fits(
        cart_categories(now), audience.categories, audience.without_categories
    ):
        return CATEGORY
    return None


def _fits(held: Sequence[str], some: Sequence[str], none: Sequence[str]) -> bool:
    """Return whether a cart holds some of these, if there are any, and none of those."""
    return (not some or not set(held).isdisjoint(some)) and set(held).isdisjoint(none)
