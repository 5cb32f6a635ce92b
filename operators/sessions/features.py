"""The features of a visit at one moment: one function makes them, for scoring and for learning alike."""

import math
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from operators.sessions.visit import Visit

DAY_S: Final = 86_400.0

Features = dict[str, float | str]

NAMES: Final = (
    *("moment", "events", "page_views", "product_views", "searches", "distinct_products"),
    *("distinct_categories", "category_focus", "cart_adds", "cart_removes", "cart_churn", "session_seconds"),
    *("seconds_since_last_event", "events_per_minute", "checkout_started", "visits_before", "known_user"),
    *("hour_sin", "hour_cos", "weekend", "device", "source", "cart_value", "cart_items", "cart_lines"),
    *("max_item_price", "mean_item_price", "value_vs_peak", "cart_price_position"),
    *("seconds_since_cart_change", "seconds_since_first_cart", "coupons_denied", "segment"),
)
"""All there can be, in the order in which they are made."""

PERSONAL: Final = frozenset({"visits_before", "known_user", "segment"})
"""What says who a visitor is or was, beyond what happens in the visit."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[float | str | None])


def features(visit: Visit, moment: str, at_s: float, timezone: tzinfo, *, personal: bool = True) -> Features:
    """Return what is known of a visit at ``at_s``.

    Counts are plain numbers, times are seconds, money is in the market's currency, shares lie in 0 to 1. The
    hour is that of the market's ``timezone``, as a point on a circle. ``moment``, ``device`` and ``source``
    are categories, the last two only where the shop gave them, like ``segment``. ``coupons_denied`` is there
    where one was. Not ``personal``: without those in ``PERSONAL``.
    """
    length_s = max(at_s - visit.started_s, 0.0)
    local = datetime.fromtimestamp(at_s, timezone)
    angle = 2 * math.pi * (local.hour * 3600 + local.minute * 60 + local.second) / DAY_S
    categories = visit.categories.values()
    made: Features = {
        "moment": moment,
        "events": visit.events,
        "page_views": visit.page_views,
        "product_views": visit.product_views,
        "searches": visit.searches,
        "distinct_products": visit.distinct_products,
        "distinct_categories": len(visit.categories),
        "category_focus": max(categories) / sum(categories) if categories else 0.0,
        "cart_adds": visit.cart_adds,
        "cart_removes": visit.cart_removes,
        "cart_churn": visit.cart_removes / visit.cart_adds if visit.cart_adds else 0.0,
        "session_seconds": length_s,
        "seconds_since_last_event": max(at_s - visit.last_s, 0.0),
        "events_per_minute": visit.events / max(length_s / 60, 1.0),
        "checkout_started": float(visit.checkout_s is not None),
        "visits_before": visit.visits_before,
        "known_user": float(visit.user is not None),
        "hour_sin": math.sin(angle),
        "hour_cos": math.cos(angle),
        "weekend": float(local.weekday() >= 5),
    }
    if visit.device is not None:
        made["device"] = visit.device
    if visit.source is not None:
        made["source"] = visit.source
    _cart_features(made, visit, at_s)
    if visit.coupons_denied:
        made["coupons_denied"] = visit.coupons_denied
    if visit.segment is not None:
        made["segment"] = visit.segment
    return made if personal else {name: made[name] for name in made if name not in PERSONAL}


def _cart_features(made: Features, visit: Visit, at_s: float) -> None:
    cart = visit.cart
    if cart is None:
        return
    prices = [line.price for line in cart.lines.values() if line.price is not None]
    mean = sum(prices) / len(prices) if prices else 0.0
    viewed = visit.viewed_value / visit.viewed_priced if visit.viewed_priced else mean
    made["cart_value"] = cart.value
    made["cart_items"] = cart.quantity
    made["cart_lines"] = len(cart.lines) + cart.content.lines_left_out
    made["max_item_price"] = max(prices, default=0.0)
    made["mean_item_price"] = mean
    made["value_vs_peak"] = cart.value / cart.peak_value if cart.peak_value > 0 else 0.0
    made["cart_price_position"] = mean / viewed if viewed > 0 else 1.0
    made["seconds_since_cart_change"] = max(at_s - cart.changed_s, 0.0)
    if visit.first_cart_s is not None:
        made["seconds_since_first_cart"] = max(at_s - visit.first_cart_s, 0.0)


def pack(made: Features) -> bytes:
    """Return the values alone, as bytes: a tenth of the memory."""
    return _ENCODER.encode([made.get(name) for name in NAMES])


def unpack(values: bytes) -> Features:
    """Return the features that were packed."""
    found = _DECODER.decode(values)
    return {name: value for name, value in zip(NAMES, found, strict=True) if value is not None}
