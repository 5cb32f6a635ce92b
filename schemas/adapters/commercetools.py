"""Messages of commercetools about orders: created, imported, cancelled, returned.

``anonymousId`` is the visitor and ``customerId`` the user. Only a new order carries its lines; what is said
of it later is joined by its id. Amounts are in the smallest unit of their currency.
"""

from collections.abc import Callable, Sequence
from typing import Final

from schemas.adapters.decoded import Decoded, event_of
from schemas.adapters.json_fields import Json, given, inner, lines, object_of, objects, text_id, total
from schemas.adapters.numbers import amount_of
from schemas.adapters.options import FormatOptions
from schemas.adapters.values import locale_of
from schemas.message import Message
from schemas.rejected import InvalidEvent

NEW: Final = ("OrderCreated", "OrderImported")
RETURNED: Final = "ReturnInfoAdded"
NOT_PAID_BACK: Final = ("NonRefundable", "NotRefunded")
STATE: Final = "OrderStateChanged"
ENVELOPES: Final = ("data", "detail")
"""Where CloudEvents and Amazon EventBridge put the message."""
PAYLOAD_LEFT_OUT: Final = "payloadNotIncluded"


def _message_of(message: Message) -> Json:
    """The message as a subscription delivers it: by itself, in a CloudEvents envelope, or by EventBridge."""
    body = object_of(message, "a message")
    for name in ENVELOPES:
        held = inner(body, name)
        if isinstance(held.get("type"), str):
            return held | {"market": body.get("market", held.get("market"))}
    return body


def parts(message: Message) -> Sequence[Message] | None:
    """No messages where the state of an order changed to one that says nothing; raises InvalidEvent."""
    body = _message_of(message)
    says_nothing = body.get("type") == STATE and body.get("orderState") in ("Open", "Confirmed", "Complete")
    return () if says_nothing else None


def reader(options: FormatOptions) -> Callable[[Message], Decoded]:
    """What reads one message with one event."""
    by_sku = options.product_key == "sku"

    def read_one(message: Message) -> Decoded:
        body = _message_of(message)
        kind = body.get("type")
        if PAYLOAD_LEFT_OUT in body:
            raise InvalidEvent("invalid", f"{PAYLOAD_LEFT_OUT}: it was too large; fetch the message")
        order = inner(body, "order")
        fields = {
            "id": text_id(body.get("id")),
            "time": body.get("createdAt"),
            "order_id": text_id(order.get("id")) or text_id(inner(body, "resource").get("id")),
            "market": text_id(body.get("market")),
        }
        if kind in NEW:
            fields |= _order(order, by_sku=by_sku)
        elif kind == STATE and body.get("orderState") == "Cancelled":
            fields |= {"type": "order_cancelled"}
        elif kind == RETURNED:
            fields |= _return(body, order, by_sku=by_sku)
        else:
            raise InvalidEvent("unknown_type", f"message {kind!r} says nothing of what an order is worth")
        return event_of(given(fields))

    return read_one


read: Final = reader(FormatOptions())


def _money(money: Json) -> float | None:
    """An amount: 1999 cents with two fraction digits are 19.99; the digits of a precise one are its own."""
    precise = money.get("preciseAmount")
    cents = amount_of(money.get("centAmount") if precise is None else precise)
    digits = money.get("fractionDigits", 2)
    if cents is None or type(digits) is not int or not 0 <= digits <= 12:
        return None
    return round(cents / float(10**digits), digits)


def _order(order: Json, *, by_sku: bool) -> Json:
    goods, others = lines(order, "lineItems"), objects(order, "customLineItems")
    visitor, user = text_id(order.get("anonymousId")), text_id(order.get("customerId"))
    return {
        "type": "order_completed",
        "visitor_id": visitor,
        "user_id": user,
        "cart_id": text_id(inner(order, "cart").get("id")),
        "currency": inner(order, "totalPrice").get("currencyCode"),
        "locale": locale_of(order.get("locale")),
        "items": [*(_line(line, by_sku=by_sku) for line in goods), *map(_custom_line, others)],
        "discount": _discount(order, goods) or None,
        "discount_codes": _codes(order) or None,
        "shipping": _money(inner(order, "shippingInfo", "price")),
        "tax": _money(inner(order, "taxedPrice", "totalTax")),
    }


def _line(line: Json, *, by_sku: bool) -> Json:
    product, sku = text_id(line.get("productId")), text_id(inner(line, "variant").get("sku"))
    named = {"price": _price(line), "quantity": line.get("quantity")}
    return {"sku": (sku or product) if by_sku else (product or sku), **given(named)}


def _price(line: Json) -> float | None:
    """The price of a piece before discounts on the cart; a lowered price of the product counts."""
    price = inner(line, "price")
    return _money(inner(price, "discounted", "value") or inner(price, "value"))


def _custom_line(line: Json) -> Json:
    return {"sku": None, **given({"price": _money(inner(line, "money")), "quantity": line.get("quantity")})}


def _discount(order: Json, goods: Sequence[Json]) -> float:
    """What discounts on the cart took off its lines and its total, by a code or not."""
    taken = []
    for line in goods:
        price = _price(line)
        for each in objects(line, "discountedPricePerQuantity"):
            lowered = _money(inner(each, "discountedPrice", "value"))
            pieces = amount_of(each.get("quantity"))
            if price is not None and lowered is not None and pieces is not None:
                taken.append((price - lowered) * pieces)
    taken.append(_money(inner(order, "discountOnTotalPrice", "discountedAmount")) or 0.0)
    return max(0.0, total(taken))


def _codes(order: Json) -> list[Json]:
    """The codes that took effect, where the message carries them and not only their ids."""
    return [
        {"code": code}
        for each in objects(order, "discountCodes")
        if each.get("state") in (None, "MatchesCart")
        and (code := text_id(inner(each, "discountCode", "obj").get("code")))
    ]


def _return(body: Json, order: Json, *, by_sku: bool) -> Json:
    """The lines that come back; the message has only their ids, so that the order must be added to it."""
    bought = {line["id"]: line for line in objects(order, "lineItems") if text_id(line.get("id"))}
    items = []
    for returned in objects(inner(body, "returnInfo"), "items"):
        line = bought.get(text_id(returned.get("lineItemId")))
        if line is None:
            raise InvalidEvent("invalid", "returnInfo names its lines by ids; add the order to the message")
        if returned.get("paymentState") not in NOT_PAID_BACK:
            items.append(_line(line | {"quantity": returned.get("quantity")}, by_sku=by_sku))
    # A return for which nothing is paid back is a refund of nothing, and not of the whole order.
    return {"type": "order_refunded"} | ({"items": items} if items else {"amount": 0.0})
