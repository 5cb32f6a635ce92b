"""Fields of JSON as other systems write it: nested, parts of it missing, ids as numbers, amounts as text."""

import hashlib
import math
from collections.abc import Iterable
from typing import Any, Final

from schemas.adapters.numbers import amount_of
from schemas.adapters.reasons import parse
from schemas.message import Message
from schemas.rejected import InvalidEvent

Json = dict[str, Any]

_PLAIN: Final = str.maketrans("", "", " _-")
_NAMES: Final = {
    "visitorid": "visitor_id",
    "clientid": "visitor_id",
    "anonymousid": "visitor_id",
    "offerid": "offer_id",
    "offerids": "offer_id",
}


def object_of(message: Message, what: str) -> Json:
    """The JSON object that a message is; raises InvalidEvent that names ``what`` it should be."""
    given = parse(message.value or b"")
    if not isinstance(given, dict):
        raise InvalidEvent("invalid", f"{what} must be a JSON object")
    return given


def inner(outer: Json, *names: str) -> Json:
    """The object under these names, one inside the other; an empty one where there is none.

    >>> inner({"data": {"cart": {"id": 1}}}, "data", "cart"), inner({"data": None}, "data", "cart")
    ({'id': 1}, {})
    """
    for name in names:
        found = outer.get(name)
        if not isinstance(found, dict):
            return {}
        outer = found
    return outer


def objects(outer: Json, name: str) -> list[Json]:
    """The objects of a list; what else is in it, or is there instead of it, counts as not there."""
    found = outer.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def lines(outer: Json, name: str) -> list[Json]:
    """The lines of a cart or an order, of which one that is no object is an empty one.

    Raises InvalidEvent where they are no list.
    """
    found = lines_if_any(outer, name)
    if found is None:
        problem = "is missing" if outer.get(name) is None else "should be a list"
        raise InvalidEvent("invalid", f"{name} {problem}")
    return found


def lines_if_any(outer: Json, name: str) -> list[Json] | None:
    """The lines of what need not have them, None where they are no list."""
    found = outer.get(name)
    return [each if isinstance(each, dict) else {} for each in found] if isinstance(found, list) else None


def text_id(value: object) -> str | None:
    """An id as text: databases number their rows, and an empty text is no id.

    >>> text_id(507), text_id(507.0), text_id("a-7"), text_id(" "), text_id(True)
    ('507', '507', 'a-7', None, None)
    """
    if type(value) is int or (type(value) is float and value.is_integer()):
        return str(int(value))
    return value if isinstance(value, str) and value.strip() else None


def total(values: Iterable[object]) -> float:
    """The sum of the amounts among these values, to four places, so that it does not show binary fractions.

    >>> total(["0.10", 0.2, None])
    0.3
    """
    return round(math.fsum(each for value in values if (each := amount_of(value)) is not None), 4)


def per_piece(line_total: object, quantity: object) -> float | None:
    """The price of one piece where a line says only what all of them cost."""
    amount, pieces = amount_of(line_total), amount_of(quantity)
    return round(amount / pieces, 4) if amount is not None and pieces else None


def given(fields: Json) -> Json:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def header_of(message: Message, name: str) -> str | None:
    """The value of a header whatever its case, with hyphens or underscores, under a prefix or not.

    >>> header_of(Message(b"", headers=(("HTTP_X_SHOPIFY_TOPIC", b"orders/paid"),)), "x-shopify-topic")
    'orders/paid'
    """
    for each, value in message.headers:
        if value and each.lower().replace("_", "-").endswith(name):
            return value.decode(errors="replace")
    return None


def stable_id(*parts: bytes) -> str:
    """An id that follows from these parts: the same when the same is sent again."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def named_values(pairs: Iterable[Json], name: str) -> Json:
    """What a shop adds to its orders by names of its choosing: ``visitor_id`` and ``offer_id``.

    Names match in any writing, and ``client_id`` and ``anonymous_id`` are other names of the visitor.

    >>> named_values([{"key": "_visitorId", "value": "v-7"}, {"key": "gift", "value": "yes"}], "key")
    {'visitor_id': 'v-7'}
    """
    found: Json = {}
    for pair in pairs:
        written = pair.get(name)
        if isinstance(written, str) and (value := text_id(pair.get("value"))):
            native = _NAMES.get(written.translate(_PLAIN).lower())
            if native is not None:
                found.setdefault(native, value)
    return found
