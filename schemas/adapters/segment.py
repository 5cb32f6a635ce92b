"""Segment v2 and RudderStack calls: track with the names of the ecommerce specification, page and screen.

Names of events and properties match whatever their case, spaces and underscores. ``anonymousId`` is the
visitor, or ``userId`` where a server sent the call. A track call with another name, and identify, are
activity. Calls that say nothing of a visitor, such as group and alias, are rejected as unknown_type.
"""

from typing import Any, Final

from schemas.adapters.clocks import happened_at
from schemas.adapters.decoded import Decoded, event_of
from schemas.adapters.reasons import parse
from schemas.message import Message
from schemas.rejected import InvalidEvent

TYPES: Final = {
    "productviewed": "product_viewed",
    "productssearched": "searched",
    "productadded": "cart_item_added",
    "productremoved": "cart_item_removed",
    "cartviewed": "cart_updated",
    "cartupdated": "cart_updated",
    "checkoutstarted": "checkout_started",
    "ordercompleted": "order_completed",
    "productlistviewed": "page_viewed",
    "promotionviewed": "offer_shown",
    "promotionclicked": "offer_clicked",
    "offershown": "offer_shown",
    "offerclicked": "offer_clicked",
    "offerdismissed": "offer_dismissed",
    "offerredeemed": "offer_redeemed",
}
WITH_ITEMS: Final = {
    "cart_item_added",
    "cart_item_removed",
    "cart_updated",
    "checkout_started",
    "order_completed",
}
MAX_NAME: Final = 100
NAMELESS: Final = str.maketrans("", "", " _-")

Call = dict[str, Any]


def read(message: Message) -> Decoded:
    """The event that a call reports; raises InvalidEvent or pydantic's ValidationError."""
    call = parse(message.value or b"")
    if not isinstance(call, dict):
        raise InvalidEvent("invalid", "a call must be a JSON object")
    said = _object(call, "properties")
    properties = {_plain(name): value for name, value in said.items()}
    context = _object(call, "context")
    event = _who_and_when(call, context) | {"market": properties.get("market")}
    kind = _type(call)
    event |= _what(kind, properties)
    if kind == "activity":
        event["name"] = str(call.get("event", call["type"]))[:MAX_NAME]
    if event["type"] == "page_viewed":
        page = _object(context, "page")
        event["url"] = properties.get("url", page.get("url"))
        event["title"] = properties.get("title", call.get("name", page.get("title")))
    # Not strict: prices and quantities are often text in these calls.
    return event_of(_given(event))


def _type(call: Call) -> str:
    kind = call.get("type")
    if kind in ("page", "screen"):
        return "page_viewed"
    if kind == "identify":
        return "activity"
    if kind != "track":
        raise InvalidEvent("unknown_type", f"call {kind!r} reports no shop event")
    name = call.get("event")
    if not isinstance(name, str):
        raise InvalidEvent("invalid", "event should be the name of what is tracked")
    return TYPES.get(_plain(name), "activity")


def _who_and_when(call: Call, context: Call) -> Call:
    visitor = _id(call.get("anonymousId"))
    user = _id(call.get("userId"))
    event: Call = {
        "id": _id(call.get("messageId")),
        "time": happened_at(call),
        "visitor_id": user if visitor is None else visitor,
        "user_id": user,
        "session_id": _id(context.get("sessionId")),
        "device": _object(context, "device").get("type"),
        "source": _object(context, "campaign").get("source"),
    }
    if event["visitor_id"] is None:
        raise InvalidEvent("invalid", "anonymousId and userId are missing")
    if event["id"] is None:
        raise InvalidEvent("invalid", "messageId is missing")
    return event


def _what(kind: str, properties: Call) -> Call:
    products = properties.get("products")
    if kind == "cart_updated" and products is None:
        # A look at the cart that does not say what is in it.
        return {"type": "page_viewed"}
    event: Call = {"type": kind}
    if kind in WITH_ITEMS:
        if products is None and kind != "checkout_started":
            products = [properties]
        event["items"] = None if products is None else _items(products)
        event["cart_id"] = _id(properties.get("cartid"))
    if kind == "product_viewed":
        event |= _item(properties)
    if kind == "searched":
        event["query"] = properties.get("query")
    if kind.startswith("offer_"):
        event["offer_id"] = _id(properties.get("offerid", properties.get("promotionid")))
    if kind in ("order_completed", "offer_redeemed"):
        event["order_id"] = _id(properties.get("orderid"))
    if kind == "order_completed":
        event["offer_ids"] = properties.get("offerids")
    return event


def _items(products: object) -> list[object]:
    if not isinstance(products, list):
        raise InvalidEvent("invalid", "products should be a list of objects")
    return [_item(product) if isinstance(product, dict) else product for product in products]


def _item(named: Call) -> Call:
    product = {_plain(name): value for name, value in named.items()}
    product_id = _id(product.get("productid"))
    item = {
        "sku": _id(product.get("sku")) if product_id is None else product_id,
        "price": product.get("price"),
        "quantity": product.get("quantity"),
        "category": product.get("category"),
        "unit_cost": product.get("unitcost"),
    }
    return _given(item)


def _object(outer: Call, name: str) -> Call:
    inner = outer.get(name)
    if inner is None:
        return {}
    if not isinstance(inner, dict):
        raise InvalidEvent("invalid", f"{name} should be an object")
    return inner


def _plain(name: str) -> str:
    return name.translate(NAMELESS).lower()


def _given(fields: Call) -> Call:
    return {name: value for name, value in fields.items() if value is not None}


def _id(value: object) -> object:
    # Databases number their rows, and those numbers arrive as numbers; an empty id is none.
    if type(value) is int:
        return str(value)
    return None if value == "" else value
