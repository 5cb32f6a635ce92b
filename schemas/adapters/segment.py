"""Segment and RudderStack calls: track with the names of the ecommerce specification, page and screen.

Names of events and properties match whatever their case, spaces, hyphens and underscores, those of the
specification's first version too. ``anonymousId`` is the visitor, or ``userId`` where a server sent the call;
what became of an order may have neither. A track call with another name, and identify, are activity. A delete
call, as Segment sends one for each person whose data a shop has it delete, erases who it names. Calls
that say nothing of a visitor, such as group and alias, are rejected as unknown_type.
"""

from collections.abc import Callable
from types import NoneType
from typing import Any, Final

from pydantic_core import to_json

from schemas.adapters.clocks import read_clocks
from schemas.adapters.decoded import Decoded, Fields, event_of
from schemas.adapters.numbers import amount_of
from schemas.adapters.options import FormatOptions
from schemas.adapters.reasons import parse
from schemas.adapters.segment_discounts import before_discount, is_after_discount
from schemas.adapters.segment_names import KIND_OF, PROMOTION_OF, plain_name
from schemas.adapters.values import (
    MAX_NAME,
    codes_of,
    currency_of,
    first_id,
    given,
    id_of,
    is_offer_id,
    locale_of,
    object_in,
    with_dropped,
)
from schemas.events import ChannelConsent
from schemas.message import Message
from schemas.rejected import InvalidEvent

OF_CARTS: Final = frozenset({"cart_item_added", "cart_item_removed", "cart_updated", "checkout_started"})
OF_ORDERS: Final = frozenset({"order_completed", "order_updated", "order_refunded", "order_cancelled"})
WITH_CONTENT: Final = frozenset({"order_completed", "order_updated"})
WITH_CURRENCY: Final = OF_CARTS | OF_ORDERS | {"product_viewed"}
CHANNEL_OF: Final = {plain_name(name): name for name in ChannelConsent.model_fields}
ID_NAMES: Final = {"product_id": ("productid", "id", "sku"), "sku": ("sku", "productid", "id")}

Call = dict[str, Any]
Names = tuple[str, ...]


def reader(options: FormatOptions) -> Callable[[Message], Decoded]:
    """Return what reads calls as a shop has set it."""
    names = ID_NAMES[options.product_key]

    def read_call(message: Message) -> Decoded:
        return _read(message, names)

    return read_call


def read(message: Message) -> Decoded:
    """The event that a call reports; raises InvalidEvent or pydantic's ValidationError."""
    return _read(message, ID_NAMES["product_id"])


def _read(message: Message, id_names: Names) -> Decoded:
    call = parse(message.value or b"")
    if not isinstance(call, dict):
        raise InvalidEvent("invalid", "a call must be a JSON object")
    dropped: list[str] = []
    properties = {plain_name(name): value for name, value in object_in(call, "properties", dropped).items()}
    if not isinstance(properties.get("products"), list | NoneType):
        del properties["products"]
        dropped.append("products")
    context = object_in(call, "context", dropped)
    kind = _kind(call, properties)
    event = _what(kind, properties, id_names, dropped)
    event |= _who_and_when(call, context, event["type"], dropped)
    event["market"] = properties.get("market")
    event["consent"] = _consent(call, properties, dropped)
    if kind == "activity":
        event["name"] = _name(call)
    if event["type"] == "page_viewed":
        page = object_in(context, "page", dropped)
        event["url"] = _first(properties.get("url"), page.get("url"))
        event["title"] = id_of(_first(properties.get("title"), call.get("name"), page.get("title")))
    # Not strict: prices and quantities are often text in these calls.
    return with_dropped(event_of(given(event)), dropped)


def _kind(call: Call, properties: Call) -> str:
    kind = call.get("type")
    if kind in ("page", "screen"):
        return "page_viewed"
    if kind == "identify":
        return "activity"
    if kind == "delete":
        return "visitor_erased"
    if kind != "track":
        raise InvalidEvent("unknown_type", f"call {kind!r} reports no shop event")
    name = call.get("event")
    if not isinstance(name, str):
        raise InvalidEvent("invalid", "event should be the name of what is tracked")
    plain = plain_name(name)
    if plain in PROMOTION_OF and _is_ours(properties):
        return PROMOTION_OF[plain]
    return KIND_OF.get(plain, "activity")


def _consent(call: Call, properties: Call, dropped: list[str]) -> Fields | None:
    """Return the consent that a shop adds to its calls, or to the traits of a visitor."""
    found = properties.get("consent")
    if found is None and call["type"] == "identify":
        found = object_in(call, "traits", dropped).get("consent")
    if not isinstance(found, dict):
        return found
    return {
        CHANNEL_OF[plain]: value for name, value in found.items() if (plain := plain_name(name)) in CHANNEL_OF
    }


def _is_ours(properties: Call) -> bool:
    return "offerid" in properties or is_offer_id(properties.get("promotionid"))


def _name(call: Call) -> object:
    name = call["event"] if call["type"] == "track" else call["type"]
    return name[:MAX_NAME] or None


def _who_and_when(call: Call, context: Call, kind: str, dropped: list[str]) -> Fields:
    clocks = read_clocks(call)
    dropped += clocks.dropped
    visitor = id_of(call.get("anonymousId"))
    user = id_of(call.get("userId"))
    if visitor is None and kind not in OF_ORDERS and (kind != "visitor_erased" or user is None):
        # Of an order the user says enough, and it must not seem to be another visitor's than its cart.
        visitor = user
        if visitor is None:
            raise InvalidEvent("invalid", "anonymousId and userId are missing")
    message_id = id_of(call.get("messageId"))
    if message_id is None:
        raise InvalidEvent("invalid", "messageId is missing")
    return {
        "id": message_id,
        "time": clocks.at,
        "visitor_id": visitor,
        "user_id": user,
        "session_id": id_of(context.get("sessionId")),
        "device": object_in(context, "device", dropped).get("type"),
        "source": object_in(context, "campaign", dropped).get("source"),
        "timezone": context.get("timezone") or None,
        "locale": locale_of(context.get("locale")),
    }


def _what(kind: str, properties: Call, id_names: Names, dropped: list[str]) -> Fields:
    products = properties.get("products")
    if kind == "cart_updated" and not isinstance(products, list):
        # A look at the cart that does not say what is in it.
        return {"type": "page_viewed"}
    event: Fields = {"type": kind}
    if kind in WITH_CURRENCY:
        event["currency"] = currency_of(properties.get("currency"))
    if kind in OF_CARTS or kind in OF_ORDERS or kind == "activity":
        event["cart_id"] = id_of(properties.get("cartid"))
        event["checkout_id"] = id_of(properties.get("checkoutid"))
    if kind in OF_CARTS:
        event["items"] = _items(kind, properties, id_names)
        event["cart_url"] = properties.get("carturl") or None
    elif kind in OF_ORDERS:
        event |= _order(kind, properties, id_names, dropped)
    elif kind == "product_viewed":
        event |= _item(properties, id_names)
    elif kind == "searched":
        event["query"] = _query(properties.get("query"))
    elif kind == "coupon_denied":
        event["code"] = first_id(properties, ("couponid", "coupon", "couponname"))
        event["reason"] = properties.get("reason")
    elif kind.startswith("offer_"):
        event["offer_id"] = first_id(properties, ("offerid", "promotionid"))
        event["order_id"] = id_of(properties.get("orderid"))
    return event


def _items(kind: str, properties: Call, id_names: Names) -> list[Any] | None:
    products = properties.get("products")
    if isinstance(products, list) and (products or kind == "cart_updated"):
        return [
            _item({plain_name(name): value for name, value in product.items()}, id_names)
            if isinstance(product, dict)
            else product
            for product in products
        ]
    if kind in ("cart_item_added", "cart_item_removed") or first_id(properties, id_names) is not None:
        return None if kind == "checkout_started" else [_item(properties, id_names)]
    return None


def _order(kind: str, properties: Call, id_names: Names, dropped: list[str]) -> Fields:
    event: Fields = {"order_id": id_of(properties.get("orderid"))}
    if kind == "order_cancelled":
        return event | {"reason": properties.get("reason")}
    items = _items(kind, properties, id_names)
    if kind == "order_refunded":
        return event | {"items": items, "amount": _paid_for_goods(properties)}
    discount = amount_of(properties.get("discount"))
    codes = _codes(properties, discount, dropped)
    if items is None:
        paid = amount_of(_paid_for_goods(properties))
        if paid is None and kind == "order_updated":
            raise InvalidEvent("invalid", "products are missing, and so is the order's value")
        if paid is None:
            # Whatever was bought, the cart is no longer there.
            dropped.append("items")
        items = [{"sku": None, "price": max(paid or 0.0, 0.0) + (discount or 0.0)}]
    content = {
        "items": items,
        "offer_ids": properties.get("offerids"),
        "discount": properties.get("discount"),
        "discount_codes": codes,
        "shipping": properties.get("shipping"),
        "tax": properties.get("tax"),
    }
    if discount and discount > 0 and is_after_discount(items, amount_of(properties.get("subtotal"))):
        content |= {"discount": None} if codes is None else {"items": before_discount(items, discount)}
    return event | content


def _codes(properties: Call, discount: float | None, dropped: list[str]) -> list[Fields] | None:
    """Return the codes of an order and of its products; a single one is what all of the discount is of."""
    products = properties.get("products")
    coupons = [properties.get("coupon")]
    if isinstance(products, list):
        coupons += [product.get("coupon") for product in products if isinstance(product, dict)]
    said = [id_of(code) for each in coupons for code in (each if isinstance(each, list) else [each])]
    if not all(isinstance(code, str | NoneType) for code in said):
        dropped.append("coupon")
    codes = {code.casefold(): code for code in said if isinstance(code, str)}
    amount = discount if len(codes) == 1 else None
    return codes_of(dict.fromkeys(codes.values(), amount))


def _paid_for_goods(properties: Call) -> object:
    """Return what was paid, or paid back, for the goods: without shipping and tax where those are known."""
    if properties.get("subtotal") is not None:
        return properties["subtotal"]
    for name in ("total", "amount", "value"):
        total = properties.get(name)
        if total is not None:
            number = amount_of(total)
            if number is None:
                return total
            beside = sum(abs(amount_of(properties.get(part)) or 0.0) for part in ("shipping", "tax"))
            # What is paid back is a negative total in some shops, and stays one: `event_of` knows it.
            return max(number - beside, 0.0) if number >= 0 else min(number + beside, 0.0)
    return properties.get("revenue")


def _item(product: Call, id_names: Names) -> Fields:
    item = {
        "sku": first_id(product, id_names),
        "price": product.get("price"),
        "quantity": product.get("quantity"),
        "category": product.get("category"),
        "unit_cost": product.get("unitcost"),
    }
    return given(item)


def _query(query: object) -> object:
    """Return what was searched for as text, an object of the shop's own too; "" where it is not said."""
    if isinstance(query, dict | list):
        return to_json(query, inf_nan_mode="constants").decode()
    return id_of(query) or ""


def _first(*values: object) -> object:
    return next((value for value in values if value is not None), None)
