"""Native events to the compact structs that travel between the stations: one builder a kind."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from operators.streaming.messages import (
    Activity,
    AnyShopEvent,
    CartAddition,
    CartRemoval,
    CartSnapshot,
    CheckoutStart,
    Code,
    CouponDenial,
    Erasure,
    EventContext,
    Line,
    OfferClick,
    OfferDismissal,
    OfferImpression,
    OfferRedemption,
    Order,
    OrderCancellation,
    OrderRefund,
    OrderUpdate,
    PageView,
    ProductView,
    Search,
    Trace,
    cart_names,
    user_names,
)
from schemas import events as native
from schemas.adapters.event_structs import in_all_forms
from schemas.trace_headers import TraceHeaders

Common = tuple[Any, ...]
"""The fields that every kind has, in the order of ``ShopEvent``."""


FEEDBACK: Final = in_all_forms(
    {native.OfferShown, native.OfferClicked, native.OfferDismissed, native.OfferRedeemed}
)


def market_of(event: native.Event) -> str:
    """Return the market an event belongs to: feedback goes where its offer came from."""
    if type(event) in FEEDBACK:
        market, dot, _ = event.offer_id.partition(".")  # type: ignore[union-attr]
        if dot:
            return market
    return event.market


class Placed(msgspec.Struct, frozen=True, gc=False):
    """Where an event stands: in time, and in its source.

    ``happened_s`` is its own time where it is placed at another one. ``position`` names its record.
    ``partial``: some of its lines could not be read as they stand. ``trace`` is that of its record.
    """

    at_s: float
    sent_s: float | None = None
    happened_s: float | None = None
    position: str = ""
    partial: bool = False
    trace: TraceHeaders | None = None


def shop_event(event: native.Event, market: str, placed: Placed) -> AnyShopEvent:
    """Return the struct of a valid event of a market; KeyError for a kind that has no builder."""
    common = (
        placed.at_s,
        event.visitor_id or "",
        event.id,
        market,
        event.user_id,
        event.session_id,
        event.device,
        event.source,
        placed.happened_s,
        placed.sent_s,
        _context(event, placed.trace),
    )
    return BUILDERS[type(event)](event, common, placed)


def _context(event: native.Event, trace: TraceHeaders | None) -> EventContext | None:
    """Return what an event carries beside its kind, None where that is nothing: of most events."""
    if (
        trace is None
        and event.consent is None
        and event.timezone is None
        and event.locale is None
        and event.segment is None
    ):
        return None
    consent = _consent(event.consent)
    said = (consent, event.timezone, event.locale, event.segment, trace)
    if said == (None, None, None, None, None):  # a consent that says nothing of any channel
        return None
    return EventContext(consent, event.timezone, event.locale, trace and Trace(*trace), event.segment)


def _consent(given: native.ChannelConsent | None) -> dict[str, bool] | None:
    """Return the channels of which anything is said, None where there is none."""
    if given is None:
        return None
    granted = {channel: getattr(given, channel) for channel in native.ChannelConsent.model_fields}
    return {channel: is_granted for channel, is_granted in granted.items() if is_granted is not None} or None


def _lines(items: tuple[native.Item, ...]) -> tuple[Line, ...]:
    return tuple(Line(i.sku or "", i.quantity, i.price, i.category, i.unit_cost) for i in items)


def _removed(items: tuple[native.RemovedItem, ...]) -> tuple[Line, ...]:
    return tuple(Line(i.sku, i.quantity, i.price) for i in items)


def _activity(event: native.Activity, common: Common, _: Placed) -> Activity:
    return Activity(*common, cart=event.cart_id, checkout=event.checkout_id)


def _product_view(event: native.ProductViewed, common: Common, _: Placed) -> ProductView:
    return ProductView(*common, sku=event.sku, price=event.price, category=event.category)


def _cart_fields(event: native.CartEvent, placed: Placed) -> dict[str, Any]:
    return {
        "cart": event.cart_id,
        "checkout": event.checkout_id,
        "partial": placed.partial,
        "cart_url": event.cart_url,
    }


def _cart_addition(event: native.CartItemAdded, common: Common, placed: Placed) -> CartAddition:
    return CartAddition(*common, lines=_lines(event.items), **_cart_fields(event, placed))


def _cart_removal(event: native.CartItemRemoved, common: Common, placed: Placed) -> CartRemoval:
    return CartRemoval(*common, lines=_removed(event.items), **_cart_fields(event, placed))


def _cart_snapshot(event: native.CartUpdated, common: Common, placed: Placed) -> CartSnapshot:
    return CartSnapshot(*common, lines=_lines(event.items), **_cart_fields(event, placed))


def _checkout_start(event: native.CheckoutStarted, common: Common, placed: Placed) -> CheckoutStart:
    lines = _lines(event.items) if event.items else None
    return CheckoutStart(*common, lines=lines, **_cart_fields(event, placed))


def _order_fields(event: native.OrderEvent, placed: Placed) -> dict[str, Any]:
    return {
        "order": event.order_id,
        "position": placed.position,
        "cart": event.cart_id,
        "checkout": event.checkout_id,
    }


def _content_fields(event: native.OrderContent, placed: Placed) -> dict[str, Any]:
    return {
        **_order_fields(event, placed),
        "lines": _lines(event.items),
        "offers": event.offer_ids,
        "codes": tuple(Code(each.code, each.amount) for each in event.discount_codes),
        "discount": event.discount,
        "partial": placed.partial,
    }


def _order(event: native.OrderCompleted, common: Common, placed: Placed) -> Order:
    names = cart_names(event.cart_id, event.checkout_id) + user_names(event.user_id)
    return Order(*common, names=names, **_content_fields(event, placed))


def _order_update(event: native.OrderUpdated, common: Common, placed: Placed) -> OrderUpdate:
    return OrderUpdate(*common, **_content_fields(event, placed))


def _order_refund(event: native.OrderRefunded, common: Common, placed: Placed) -> OrderRefund:
    lines = None if event.items is None else _removed(event.items)
    return OrderRefund(*common, lines=lines, amount=event.amount, **_order_fields(event, placed))


def _order_cancellation(event: native.OrderCancelled, common: Common, placed: Placed) -> OrderCancellation:
    return OrderCancellation(*common, **_order_fields(event, placed))


_BUILDERS: Final[dict[type[native.EventBase], Callable[[Any, Common, Placed], AnyShopEvent]]] = {
    native.Activity: _activity,
    native.CouponDenied: lambda _, common, __: CouponDenial(*common),
    native.PageViewed: lambda _, common, __: PageView(*common),
    native.ProductViewed: _product_view,
    native.Searched: lambda _, common, __: Search(*common),
    native.CartItemAdded: _cart_addition,
    native.CartItemRemoved: _cart_removal,
    native.CartUpdated: _cart_snapshot,
    native.CheckoutStarted: _checkout_start,
    native.OrderCompleted: _order,
    native.OrderUpdated: _order_update,
    native.OrderRefunded: _order_refund,
    native.OrderCancelled: _order_cancellation,
    native.OfferShown: lambda event, common, _: OfferImpression(*common, offer=event.offer_id),
    native.OfferClicked: lambda event, common, _: OfferClick(*common, offer=event.offer_id),
    native.OfferDismissed: lambda event, common, _: OfferDismissal(*common, offer=event.offer_id),
    native.OfferRedeemed: lambda event, common, _: OfferRedemption(
        *common, offer=event.offer_id, order=event.order_id
    ),
    native.VisitorErased: lambda _, common, __: Erasure(*common),
}
"""The table of kinds: an event that is not in it is an error, not something else."""

BUILDERS: Final = {form: build for kind, build in _BUILDERS.items() for form in in_all_forms({kind})}
