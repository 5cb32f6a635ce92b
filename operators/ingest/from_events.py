"""Native events to the compact structs that travel between the stations: one builder a kind."""

from collections.abc import Callable
from typing import Any, Final

from operators.streaming.messages import (
    Activity,
    AnyShopEvent,
    CartAddition,
    CartRemoval,
    CartSnapshot,
    CheckoutStart,
    Line,
    OfferClick,
    OfferDismissal,
    OfferImpression,
    OfferRedemption,
    Order,
    PageView,
    ProductView,
    Search,
)
from schemas import events as native

Common = tuple[Any, ...]
"""The fields that every kind has, in the order of ``ShopEvent``."""


def market_of(event: native.Event) -> str:
    """Return the market an event belongs to: feedback goes where its offer came from."""
    if isinstance(event, native.OfferFeedback):
        market, dot, _ = event.offer_id.partition(".")
        if dot:
            return market
    return event.market


def shop_event(
    event: native.Event,
    market: str,
    at_s: float,
    *,
    sent_s: float | None,
    happened_s: float | None = None,
) -> AnyShopEvent:
    """Return the struct of a valid event, placed at ``at_s``; KeyError for a kind that has no builder."""
    common = (
        at_s,
        event.visitor_id,
        event.id,
        market,
        event.user_id,
        event.session_id,
        event.device,
        event.source,
        happened_s,
        sent_s,
    )
    return BUILDERS[type(event)](event, common)


def _lines(items: tuple[native.Item, ...]) -> tuple[Line, ...]:
    return tuple(Line(i.sku, i.quantity, i.price, i.category, i.unit_cost) for i in items)


def _page_view(_: native.PageViewed, common: Common) -> PageView:
    return PageView(*common)


def _product_view(event: native.ProductViewed, common: Common) -> ProductView:
    return ProductView(*common, sku=event.sku, price=event.price, category=event.category)


def _search(_: native.Searched, common: Common) -> Search:
    return Search(*common)


def _cart_addition(event: native.CartItemAdded, common: Common) -> CartAddition:
    return CartAddition(*common, lines=_lines(event.items), cart=event.cart_id)


def _cart_removal(event: native.CartItemRemoved, common: Common) -> CartRemoval:
    lines = tuple(Line(i.sku, i.quantity) for i in event.items)
    return CartRemoval(*common, lines=lines, cart=event.cart_id)


def _cart_snapshot(event: native.CartUpdated, common: Common) -> CartSnapshot:
    return CartSnapshot(*common, lines=_lines(event.items), cart=event.cart_id)


def _checkout_start(event: native.CheckoutStarted, common: Common) -> CheckoutStart:
    return CheckoutStart(*common, lines=_lines(event.items) if event.items else None, cart=event.cart_id)


def _order(event: native.OrderCompleted, common: Common) -> Order:
    return Order(
        *common,
        order=event.order_id,
        lines=_lines(event.items),
        cart=event.cart_id,
        offers=event.offer_ids,
    )


BUILDERS: Final[dict[type[native.EventBase], Callable[[Any, Common], AnyShopEvent]]] = {
    native.Activity: lambda _, common: Activity(*common),
    native.PageViewed: _page_view,
    native.ProductViewed: _product_view,
    native.Searched: _search,
    native.CartItemAdded: _cart_addition,
    native.CartItemRemoved: _cart_removal,
    native.CartUpdated: _cart_snapshot,
    native.CheckoutStarted: _checkout_start,
    native.OrderCompleted: _order,
    native.OfferShown: lambda event, common: OfferImpression(*common, offer=event.offer_id),
    native.OfferClicked: lambda event, common: OfferClick(*common, offer=event.offer_id),
    native.OfferDismissed: lambda event, common: OfferDismissal(*common, offer=event.offer_id),
    native.OfferRedeemed: lambda event, common: OfferRedemption(*common, offer=event.offer_id),
}
"""The table of kinds: an event that is not in it is an error, not something else."""
