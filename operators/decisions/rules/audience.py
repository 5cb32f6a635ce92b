"""Whom offers are for: which carts, which visitors, and what an expression says."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Final, NamedTuple

from operators.decisions.audience import Expression, Expressions
from operators.decisions.rules.audience_fields import field_values, is_new
from operators.decisions.rules.rule import Rule, Situation
from schemas.rules import MATCH_ALL, Audience
from schemas.shop import Market, Offer, Shop

EXPRESSION: Final = "audience"
MIN_CART_VALUE: Final = "min_cart_value"
MAX_CART_VALUE: Final = "max_cart_value"
VISITOR: Final = "visitor_kind"
SKU: Final = "sku"
CATEGORY: Final = "category"


Fits = Callable[[Situation], bool]


class _Check(NamedTuple):
    """One thing that an audience asks for, and the reason why an offer is removed where it does not fit."""

    reason: str
    fits: Fits


class AudienceRule(Rule):
    """Removes an offer that is not for this cart or visitor, by its own audience or by its market's.

    Expressions are compiled once. What they say is found out once a moment, where one is asked, and so is
    whether it fits the audience of the market.
    """

    name = "audience"

    def __init__(self) -> None:
        self._of_market: tuple[_Check, ...] = ()
        self._of_offer: dict[str, tuple[_Check, ...]] = {}
        self._expressions = Expressions(())
        self._has_expressions = False
        self._plain: tuple[Fits, ...] = ()
        self._now: Situation | None = None
        self._market_misfit: str | None = None
        self._evaluated: Situation | None = None
        self._holding: list[bool] = []

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the audiences; raises AudienceError for an expression that ``check_audiences`` refuses."""
        self._now = self._evaluated = None
        found: dict[str, Expression] = {}
        self._of_market = tuple(self._checks(market.rules.audience, found))
        self._of_offer = {
            offer.name: tuple(self._checks(_with_minimum(offer), found)) for offer in shop.arms(market.name)
        }
        self._expressions = Expressions([*found.values()])
        self._has_expressions = bool(found)
        kinds = {_with_minimum(offer): self._of_offer[offer.name] for offer in shop.arms(market.name)}
        everything = (*self._of_market, *(check for checks in kinds.values() for check in checks))
        self._plain = tuple(check.fits for check in everything if check.reason != EXPRESSION)

    def concerns(self, offer: Offer) -> bool:
        """Return whether the market or the offer has an audience that is not everybody."""
        return bool(self._of_market or self._of_offer[offer.name])

    def alike(self, offer: Offer) -> Hashable:
        """Return its audience."""
        return _with_minimum(offer)

    def spares(self, now: Situation) -> bool:
        """Return whether everybody's audience fits."""
        if not all(fits(now) for fits in self._plain):
            return False
        return not self._has_expressions or all(self._hold(now))

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return the first thing that does not fit.

        It is ``min_cart_value``, ``max_cart_value``, ``visitor_kind``, ``sku``, ``category``, or ``audience``
        for the expression.
        """
        if self._now is not now:
            self._now = now
            self._market_misfit = _misfit(self._of_market, now)
        if self._market_misfit is not None:
            return self._market_misfit
        return _misfit(self._of_offer[offer.name], now)

    def _checks(self, audience: Audience, expressions: dict[str, Expression]) -> Iterator[_Check]:
        """Yield what is asked for, in the order of reasons; nothing where everybody fits.

        Its expression is added to ``expressions``, where it is not there yet.
        """
        least, most = audience.min_cart_value, audience.max_cart_value
        if least > 0.0:
            yield _Check(MIN_CART_VALUE, lambda now: now.moment.cart_value >= least)
        if most is not None:
            yield _Check(MAX_CART_VALUE, lambda now: now.moment.cart_value <= most)
        if audience.visitors == "known":
            yield _Check(VISITOR, lambda now: now.user is not None)
        if audience.visitors == "new":
            yield _Check(VISITOR, is_new)
        skus, without_skus = audience.skus, audience.without_skus
        if skus or without_skus:
            yield _Check(SKU, lambda now: _fits(now.cart_skus, skus, without_skus))
        categories, without_categories = audience.categories, audience.without_categories
        if categories or without_categories:
            yield _Check(CATEGORY, lambda now: _fits(now.cart_categories, categories, without_categories))
        if audience.when != MATCH_ALL:
            if audience.when not in expressions:
                expressions[audience.when] = Expression(audience.when)
            place = list(expressions).index(audience.when)
            yield _Check(EXPRESSION, lambda now: self._hold(now)[place])

    def _hold(self, now: Situation) -> list[bool]:
        if self._evaluated is not now:
            self._evaluated, expressions = now, self._expressions
            self._holding = expressions.hold(field_values(now, expressions.fields))
        return self._holding


def _misfit(checks: Sequence[_Check], now: Situation) -> str | None:
    """Return the reason of the first check that does not fit."""
    for reason, fits in checks:
        if not fits(now):
            return reason
    return None


def _with_minimum(offer: Offer) -> Audience:
    minimum = max(offer.min_cart_value, offer.audience.min_cart_value)
    return offer.audience.model_copy(update={"min_cart_value": minimum})


def _fits(held: Sequence[str], some: Sequence[str], none: Sequence[str]) -> bool:
    """Return whether a cart holds some of these, if there are any, and none of those."""
    return (not some or not set(held).isdisjoint(some)) and set(held).isdisjoint(none)
