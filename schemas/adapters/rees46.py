"""Rows of the REES46 data sets of shop behaviour (CSV), for replay.

``user_id`` is the visitor and ``user_session`` the session. A row has no id: its event id is visitor,
partition and offset, since equal rows may follow one another. A purchase is an order of one piece.
"""

import csv
from typing import Any, Final

from schemas.adapters.reasons import text_of
from schemas.events import EVENTS, Event
from schemas.message import Message
from schemas.rejected import InvalidEvent

REES46_HEADER: Final = (
    b"event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
)
COLUMNS: Final = len(REES46_HEADER.split(b","))
TYPES: Final = {
    "view": "product_viewed",
    "cart": "cart_item_added",
    "remove_from_cart": "cart_item_removed",
    "purchase": "order_completed",
}
ZONE: Final = " UTC"

_validate_python: Final = EVENTS.validate_python


def read(message: Message) -> Event:
    """The event in one row; raises InvalidEvent or pydantic's ValidationError."""
    row = text_of(message.value or b"").rstrip("\r\n")
    columns = _columns(row)
    if len(columns) != COLUMNS:
        raise InvalidEvent("invalid", f"the row has {len(columns)} of {COLUMNS} columns")
    at, kind, sku, category_id, category_code, _brand, price, visitor, session = columns
    if kind not in TYPES:
        if row.encode() == REES46_HEADER:
            raise InvalidEvent("invalid", "the header line is not an event")
        raise InvalidEvent("unknown_type", f"event_type {kind!r} is not known")
    if not at.endswith(ZONE):
        raise InvalidEvent("invalid", "event_time should look like 2019-10-01 00:00:00 UTC")
    event: dict[str, Any] = {
        "type": TYPES[kind],
        "id": f"{visitor}-{message.partition}-{message.offset}",
        "time": at.removesuffix(ZONE) + "Z",
        "visitor_id": visitor,
        "session_id": session or None,
    }
    product = {"sku": sku, "price": price, "category": category_code or category_id or None}
    if kind == "view":
        event.update(product)
    else:
        event["items"] = (product,)
    if kind == "purchase":
        event["order_id"] = event["id"]
    # Not strict: in CSV every number is text.
    return _validate_python(event, strict=False)


def _columns(row: str) -> list[str]:
    if '"' not in row:
        return row.split(",")
    try:
        return next(csv.reader((row,), strict=True))
    except csv.Error as error:
        raise InvalidEvent("invalid", f"not CSV: {error}") from None
