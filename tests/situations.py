"""Moments as rules see them, with a catalog."""

from datetime import UTC
from typing import Any

from operators.decisions.rules.rule import NOTHING_KNOWN, Person, Situation
from operators.streaming.messages import Moment, Product
from schemas.shop import Shop


def situation_with(products: dict[str, Product], of: Shop, at: Moment, **more: Any) -> Situation:
    """A moment of a shop whose catalog has these products."""
    lookups = NOTHING_KNOWN._replace(product=lambda sku, _at_s: products.get(sku))
    person = Person((at.visitor,), () if at.user is None else (at.user,), UTC)
    return Situation(at, person, more, of.markets["default"], lookups)
