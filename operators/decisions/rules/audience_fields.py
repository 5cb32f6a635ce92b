"""The values that the fields of expressions have at one moment."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from operators.decisions.rules.rule import Situation
from schemas.calendar import WEEKDAYS


def field_values(now: Situation, names: Iterable[str]) -> dict[str, Any]:
    """Return the value of each of these ``FIELDS``: a text that is not known is empty, a number is 0."""
    return {name: _VALUES[name](now) for name in names}


def is_new(now: Situation) -> bool:
    """Return whether a visitor is new: no user is known, and no earlier visit."""
    return now.user is None and now.moment.visits_before == 0


Value = Callable[[Situation], Any]


def _text(known: str | None) -> str:
    return "" if known is None else known


def _feature(name: str, kind: Callable[[Any], Any], unknown: object) -> Value:
    """Return what finds a feature, or the abandonment score, as a value of this kind."""
    return lambda now: kind(now.context.get(name, unknown))


def _count(name: str) -> Value:
    return _feature(name, int, 0)


def _number(name: str) -> Value:
    return _feature(name, float, 0.0)


def _word(name: str) -> Value:
    return _feature(name, str, "")


_VALUES: Final[Mapping[str, Value]] = {
    "cart.value": lambda now: now.moment.cart_value,
    "cart.currency": lambda now: now.market.currency,
    "cart.pieces": _count("cart_items"),
    "cart.lines": _count("cart_lines"),
    "cart.skus": lambda now: now.cart_skus,
    "cart.categories": lambda now: now.cart_categories,
    "cart.max_item_price": _number("max_item_price"),
    "cart.mean_item_price": _number("mean_item_price"),
    "cart.value_vs_peak": _number("value_vs_peak"),
    "visitor.id": lambda now: now.moment.visitor,
    "visitor.user": lambda now: _text(now.user),
    "visitor.known": lambda now: now.user is not None,
    "visitor.new": is_new,
    "visitor.visits": lambda now: now.moment.visits_before,
    "visitor.locale": lambda now: _text(now.moment.locale),
    "visitor.timezone": lambda now: _text(now.moment.timezone),
    "session.device": _word("device"),
    "session.source": _word("source"),
    "session.minutes": lambda now: float(now.context.get("session_seconds", 0.0)) / 60,
    "session.events": _count("events"),
    "session.page_views": _count("page_views"),
    "session.product_views": _count("product_views"),
    "session.searches": _count("searches"),
    "session.cart_adds": _count("cart_adds"),
    "session.cart_removes": _count("cart_removes"),
    "session.coupons_denied": _count("coupons_denied"),
    "session.checkout_started": _feature("checkout_started", bool, False),
    "moment.trigger": lambda now: now.moment.kind,
    "moment.hour": lambda now: now.local.hour,
    "moment.weekday": lambda now: WEEKDAYS[now.local.weekday()],
    "segment": _word("segment"),
    "abandonment": _number("abandonment"),
}
