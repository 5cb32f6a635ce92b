"""Native events to the compact facts that travel on the page."""

from collections.abc import Callable
from typing import Any

from operators.streaming.messages import RANK, Fact, Line
from schemas import events as words

Built = dict[str, Any]


def _lines(items: tuple[Any, ...]) -> tuple[Line, ...]:
    return tuple(Line(i.sku, i.quantity, i.price, i.category, i.unit_cost) for i in items)


def _viewed(event: words.ProductViewed) -> Built:
    return {"sku": event.sku, "price": event.price, "category": event.category}


def _carted(event: words.CartItemAdded | words.CartUpdated) -> Built:
    return {"lines": _lines(event.items), "cart": event.cart_id}


def _removed(event: words.CartItemRemoved) -> Built:
    return {"lines": tuple(Line(i.sku, i.quantity) for i in event.items), "cart": event.cart_id}


def _checkout(event: words.CheckoutStarted) -> Built:
    return {"lines": _lines(event.items) if event.items else None, "cart": event.cart_id}


def _ordered(event: words.OrderCompleted) -> Built:
    return {
        "lines": _lines(event.items),
        "cart": event.cart_id,
        "order": event.order_id,
        "offers": event.offer_ids,
    }


def _feedback(event: words.OfferShown) -> Built:
    return {"offers": (event.offer_id,)}


_BUILDERS: dict[str, Callable[[Any], Built]] = {
    "product_viewed": _viewed,
    "cart_item_added": _carted,
    "cart_updated": _carted,
    "cart_item_removed": _removed,
    "checkout_started": _checkout,
    "order_completed": _ordered,
    "offer_shown": _feedback,
    "offer_clicked": _feedback,
    "offer_dismissed": _feedback,
    "offer_redeemed": _feedback,
}

FEEDBACK = frozenset({"offer_shown", "offer_clicked", "offer_dismissed", "offer_redeemed"})


def market_of(event: words.Event) -> str:
    """Return the market an event belongs to: feedback goes where its offer came from."""
    if event.type in FEEDBACK:
        head, dot, _ = event.offer_id.partition(".")  # type: ignore[union-attr]
        if dot:
            return head
    return event.market


def fact(
    event: words.Event, market: str, at_s: float, *, sent_s: float | None, happened_s: float | None = None
) -> Fact:
    """Return the fact of a valid event, placed at ``at_s``."""
    kind = event.type
    build = _BUILDERS.get(kind)
    return Fact(
        at_s,
        RANK[kind],
        event.visitor_id,
        event.id,
        market,
        kind,
        event.user_id,
        event.session_id,
        event.device,
        event.source,
        happened_s=happened_s,
        sent_s=sent_s,
        **({} if build is None else build(event)),
    )
