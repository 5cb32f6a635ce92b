"""The values that the fields of expressions have at one moment."""

from datetime import datetime
from typing import Any

from operators.decisions.rules.rule import Situation
from schemas.calendar import WEEKDAYS


def field_values(now: Situation) -> dict[str, Any]:
    """Return the value of each of the ``FIELDS``: a text that is not known is empty, a number is 0."""
    moment, known = now.moment, now.context.get
    local = datetime.fromtimestamp(now.at_s, now.zone)
    return {
        "cart.value": moment.cart_value,
        "cart.currency": now.market.currency,
        "cart.pieces": int(known("cart_items", 0)),
        "cart.lines": int(known("cart_lines", 0)),
        "cart.skus": cart_skus(now),
        "cart.categories": cart_categories(now),
        "cart.max_item_price": float(known("max_item_price", 0.0)),
        "cart.mean_item_price": float(known("mean_item_price", 0.0)),
        "cart.value_vs_peak": float(known("value_vs_peak", 0.0)),
        "visitor.id": moment.visitor,
        "visitor.user": _text(now.user),
        "visitor.known": now.user is not None,
        "visitor.new": is_new(now),
        "visitor.visits": moment.visits_before,
        "visitor.locale": _text(moment.locale),
        "visitor.timezone": _text(moment.timezone),
        "session.device": str(known("device", "")),
        "session.source": str(known("source", "")),
        "session.minutes": float(known("session_seconds", 0.0)) / 60,
        "session.events": int(known("events", 0)),
        "session.page_views": int(known("page_views", 0)),
        "session.product_views": int(known("product_views", 0)),
        "session.searches": int(known("searches", 0)),
        "session.cart_adds": int(known("cart_adds", 0)),
        "session.cart_removes": int(known("cart_removes", 0)),
        "session.coupons_denied": int(known("coupons_denied", 0)),
        "session.checkout_started": bool(known("checkout_started", False)),
        "moment.trigger": moment.kind,
        "moment.hour": local.hour,
        "moment.weekday": WEEKDAYS[local.weekday()],
        "segment": str(known("segment", "")),
        "abandonment": float(known("abandonment", 0.0)),
    }


def _text(known: str | None) -> str:
    return "" if known is None else known


def is_new(now: Situation) -> bool:
    """Return whether a visitor is new: no user is known, and no earlier visit."""
    return now.user is None and now.moment.visits_before == 0


def cart_skus(now: Situation) -> list[str]:
    """Return the skus of a cart, as far as its lines are remembered, each once."""
    return list(dict.fromkeys(line.sku for line in now.moment.lines if line.sku))


def cart_categories(now: Situation) -> list[str]:
    """Return the categories of a cart, each once: as the events say them, else the catalog."""
    found: dict[str, None] = {}
    for line in now.moment.lines:
        category = line.category
        if category is None and line.sku:
            product = now.product(line.sku)
            category = None if product is None else product.category
        if category is not None:
            found[category] = None
    return list(found)
