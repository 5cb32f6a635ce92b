"""Webhooks of Shopify: orders, what becomes of them, checkouts and carts that name a visitor, erasures.

The header ``X-Shopify-Topic`` says what a webhook is; where a bridge lost it, the fields do. An order names
no browser: its cart, its checkout, its customer or its codes say whose it is. Amounts are in the currency of
the shop.
"""

from datetime import UTC, datetime
from typing import Final

from schemas.adapters.json_fields import (
    Json,
    given,
    header_of,
    inner,
    lines,
    named_values,
    objects,
    stable_id,
    text_id,
    total,
)
from schemas.adapters.shopify_ids import shopify_id
from schemas.adapters.values import locale_of
from schemas.message import Message
from schemas.rejected import InvalidEvent

ORDERS: Final = {
    "orders/create": "order_completed",
    "orders/paid": "order_completed",
    "orders/fulfilled": "order_completed",
    "orders/partially_fulfilled": "order_completed",
    "orders/updated": "order_updated",
    "orders/cancelled": "order_cancelled",
}
REFUNDS: Final = ("refunds/create",)
CHECKOUTS: Final = ("checkouts/create", "checkouts/update")
CARTS: Final = ("carts/create", "carts/update")
REDACTIONS: Final = ("customers/redact",)
CONSENT_OF: Final = {"subscribed": True, "unsubscribed": False}
"""What a state of consent says; who is pending, or has never subscribed, neither granted nor denied it."""
ORIGINS: Final = {"pos": "point_of_sale"}


def fields(message: Message, body: Json) -> Json:
    """The native fields of a webhook; raises InvalidEvent."""
    topic = _topic(message) or _topic_of_fields(body)
    if topic in ORDERS:
        own = _order(body, ORDERS[topic])
    elif topic in REFUNDS:
        own = _refund(body)
    elif topic in CHECKOUTS or topic in CARTS:
        own = _cart(body, topic)
    elif topic in REDACTIONS:
        own = _redaction(message, body)
    elif topic is None:
        raise InvalidEvent("unknown_type", "neither a pixel event nor a webhook of an order, refund or cart")
    else:
        raise InvalidEvent("unknown_type", f"webhook {topic!r} reports no shop event")
    return {"id": _id(message, own["type"])} | own


def _topic(message: Message) -> str | None:
    """The topic as Shopify writes it; bridges also write ``ORDERS_PAID`` and ``orders-paid``."""
    topic = header_of(message, "x-shopify-topic")
    if topic is None:
        return None
    resource, _, act = topic.strip().lower().replace("-", "_").replace("/", "_").partition("_")
    return f"{resource}/{act}"


def _topic_of_fields(body: Json) -> str | None:
    """What a webhook is by its fields. An order is taken for a new one: an order counts once."""
    if "order_id" in body and ("refund_line_items" in body or "transactions" in body):
        return "refunds/create"
    if "orders_to_redact" in body:
        return "customers/redact"
    if "line_items" not in body:
        return None
    if "financial_status" in body or "order_number" in body:
        return "orders/create"
    if "abandoned_checkout_url" in body or "cart_token" in body:
        return "checkouts/update"
    return "carts/update" if "token" in body else None


def _id(message: Message, kind: str) -> str:
    """The id that stays the same when Shopify delivers a webhook again."""
    webhook = header_of(message, "x-shopify-webhook-id")
    if webhook is not None:
        return webhook
    event = header_of(message, "x-shopify-event-id")
    if event is not None:  # all webhooks of one act of a person share it
        return f"{event}-{kind}"
    return stable_id(kind.encode(), message.value or b"")


def _order(order: Json, kind: str) -> Json:
    cancelled_at = order.get("cancelled_at")
    if cancelled_at is not None:
        kind = "order_cancelled"
    attributes = named_values(objects(order, "note_attributes"), "name")
    offer = attributes.get("offer_id")
    common = {
        "type": kind,
        "visitor_id": attributes.get("visitor_id"),
        **_customer(order),
        "order_id": shopify_id(order.get("id")),
        "cart_id": shopify_id(order.get("cart_token")),
        "checkout_id": shopify_id(order.get("checkout_token")),
        "currency": order.get("currency"),
        "origin": _origin(order),
    }
    if kind == "order_cancelled":
        at = cancelled_at or order.get("updated_at")
        return common | {"time": at, "reason": order.get("cancel_reason")}
    return common | {
        "time": order.get("created_at" if kind == "order_completed" else "updated_at"),
        "items": [_line(line) for line in lines(order, "line_items")],
        "offer_ids": None if offer is None else [offer],
        **_discounts(order),
        "shipping": _shipping(order),
        "tax": order.get("total_tax"),
    }


def _customer(body: Json) -> Json:
    """Who ordered or begins to pay, in which language, and whether they may be written to."""
    customer = inner(body, "customer")
    state = inner(customer, "email_marketing_consent").get("state")
    granted = CONSENT_OF.get(state) if isinstance(state, str) else None
    return {
        "user_id": shopify_id(customer.get("id")),
        "locale": locale_of(body.get("customer_locale")),
        "consent": None if granted is None else {"email": granted},
    }


def _origin(order: Json) -> str | None:
    if order.get("test") is True:
        return "test"
    source = order.get("source_name")
    return ORIGINS.get(source) if isinstance(source, str) else None


def _line(line: Json) -> Json:
    """A line as it was ordered, before discounts and refunds; one of no variant is no product."""
    named = {"price": line.get("price"), "quantity": line.get("quantity")}
    return {"sku": shopify_id(line.get("variant_id")), **given(named)}


def _discounts(order: Json) -> Json:
    """What lowered the goods, and by which codes; a code for free shipping lowers no goods."""
    codes = [
        {"code": code} | given({"amount": each.get("amount") if each.get("type") != "shipping" else None})
        for each in objects(order, "discount_codes")
        if (code := text_id(each.get("code")))
    ]
    goods = objects(order, "line_items")
    if any("discount_allocations" in line for line in goods):
        discount = total(
            each.get("amount") for line in goods for each in objects(line, "discount_allocations")
        )
    else:
        shipping = total(
            each.get("amount") for each in objects(order, "discount_codes") if each.get("type") == "shipping"
        )
        discount = max(0.0, total([order.get("total_discounts"), -shipping]))
    return {"discount": discount or None, "discount_codes": codes or None}


def _shipping(order: Json) -> object:
    whole = inner(order, "total_shipping_price_set", "shop_money").get("amount")
    if whole is not None:
        return whole
    parts = [line.get("price") for line in objects(order, "shipping_lines")]
    return total(parts) if parts else None


def _refund(refund: Json) -> Json:
    """A refund by its lines, else by what was paid back for the goods, which may be nothing."""
    number = shopify_id(refund.get("id"))
    own: Json = {
        "type": "order_refunded",
        "time": refund.get("created_at"),
        "order_id": shopify_id(refund.get("order_id")),
    }
    if number is not None:  # one refund may be told under several webhook ids
        own["id"] = f"refund-{number}"
    returned = objects(refund, "refund_line_items")
    items = [_returned(line) for line in returned]
    if returned and all(line["sku"] for line in items):
        return own | {"items": items}
    if returned:
        return own | {"amount": total(line.get("subtotal") for line in returned)}
    return own | _paid_back(refund)


def _paid_back(refund: Json) -> Json:
    paid = [
        each
        for each in objects(refund, "transactions")
        if each.get("kind") in (None, "refund") and each.get("status") not in ("failure", "error")
    ]
    shipping = [
        each.get(part)
        for each in objects(refund, "order_adjustments")
        if each.get("kind") == "shipping_refund"
        for part in ("amount", "tax_amount")
    ]
    amount = total(each.get("amount") for each in paid) - abs(total(shipping))
    currency = next((each.get("currency") for each in paid if each.get("currency")), None)
    return {"amount": max(0.0, round(amount, 4)), "currency": currency}


def _returned(line: Json) -> Json:
    bought = inner(line, "line_item")
    named = {"price": bought.get("price"), "quantity": line.get("quantity")}
    return {"sku": shopify_id(bought.get("variant_id")), **given(named)}


def _redaction(message: Message, body: Json) -> Json:
    """A customer whom the shop has to forget; the webhook tells no time but in a header."""
    at = header_of(message, "x-shopify-triggered-at")
    if at is None and message.timestamp_s is not None:
        at = datetime.fromtimestamp(message.timestamp_s, UTC).isoformat()
    customer = shopify_id(inner(body, "customer").get("id"))
    if customer is None:
        raise InvalidEvent("invalid", "customer.id is missing: it says who is to be erased")
    return {"type": "visitor_erased", "time": at, "user_id": customer}


def _cart(cart: Json, topic: str) -> Json:
    """A cart or a checkout, where the shop wrote the visitor into its attributes."""
    visitor = named_values(objects(cart, "note_attributes"), "name").get("visitor_id")
    if visitor is None:
        raise InvalidEvent("invalid", f"webhook {topic!r} names no visitor; the web pixel reports carts")
    token = shopify_id(cart.get("token"))
    own = {
        "visitor_id": visitor,
        "time": cart.get("updated_at"),
        "items": [_line(line) for line in lines(cart, "line_items")],
        "currency": cart.get("currency"),
    }
    if topic in CARTS:
        return own | {"type": "cart_updated", "cart_id": token}
    return own | {
        "type": "checkout_started",
        "cart_id": shopify_id(cart.get("cart_token")),
        "checkout_id": token,
        "cart_url": cart.get("abandoned_checkout_url"),
        **_customer(cart),
    }
