"""Webhooks of WooCommerce: orders by their status, and refunds.

Every change of an order is ``order.updated`` with the whole order in it. Such a message becomes several
events: the order, which counts once; what it holds now; and each of its refunds under its own id.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace
from pydantic_core import to_json

from schemas.adapters.decoded import Decoded, event_of
from schemas.adapters.json_fields import (
    Json,
    given,
    header_of,
    lines,
    named_values,
    object_of,
    objects,
    per_piece,
    stable_id,
    text_id,
    total,
)
from schemas.adapters.numbers import amount_of
from schemas.adapters.options import FormatOptions
from schemas.message import Message
from schemas.rejected import InvalidEvent

TOPIC: Final = "x-wc-webhook-topic"
CREATED: Final = "order.created"
DRAFTS: Final = ("checkout-draft", "auto-draft", "draft", "new")
TRASH: Final = "trash"
UNPAID: Final = "failed"
"""A payment that failed may be tried again for the same order, so that it is worth nothing for now."""
GUESTS: Final = (0, "0")
ORIGINS: Final = {"pos-rest-api": "point_of_sale", "pos": "point_of_sale"}


def parts(message: Message) -> Sequence[Message] | None:
    """The messages that an order told again is made of, none for a draft; raises InvalidEvent."""
    body = object_of(message, "a webhook")
    status = body.get("status")
    if _is_refund(body) or "line_items" not in body or status in ("cancelled", TRASH, UNPAID):
        return None
    if status in DRAFTS:
        return ()
    if header_of(message, TOPIC) == CREATED:
        return None
    headers = tuple(
        (name, value) for name, value in message.headers if not name.lower().replace("_", "-").endswith(TOPIC)
    )
    created = replace(message, headers=(*headers, (TOPIC, CREATED.encode())))
    refunds = [
        replace(message, value=to_json(_refund_of(body, refund)), headers=headers)
        for refund in objects(body, "refunds")
    ]
    return (created, message, *refunds)


def _refund_of(order: Json, refund: Json) -> Json:
    """A refund in an order, as WooCommerce writes one by itself, less its share of taxes and shipping."""
    paid = amount_of(order.get("total")) or 0.0
    goods = total([paid, *(-(amount_of(order.get(name)) or 0.0) for name in ("total_tax", "shipping_total"))])
    share = min(1.0, max(0.0, goods / paid)) if paid else 1.0
    return {
        "id": refund.get("id"),
        "parent_id": order.get("id"),
        "amount": round(abs(amount_of(refund.get("total")) or 0.0) * share, 4),
        "date_created_gmt": _gmt(order, "date_modified"),
        "currency": order.get("currency"),
        "market": order.get("market"),
    }


def reader(options: FormatOptions) -> Callable[[Message], Decoded]:
    """What reads one message with one event."""
    by_sku = options.product_key == "sku"

    def read_one(message: Message) -> Decoded:
        body = object_of(message, "a webhook")
        topic = header_of(message, TOPIC)
        if _is_refund(body):
            fields = _refund(body)
        elif "line_items" in body and "status" in body:
            fields = _order(message, body, is_new=topic == CREATED, by_sku=by_sku)
        else:
            raise InvalidEvent("unknown_type", f"webhook {topic or 'without a topic'} reports no order")
        return event_of(given(fields | {"market": text_id(body.get("market"))}))

    return read_one


read: Final = reader(FormatOptions())


def _is_refund(body: Json) -> bool:
    return "amount" in body and "parent_id" in body and "status" not in body


def _gmt(body: Json, name: str) -> object:
    """A time in GMT; version 1 of the interface has no other, and calls it by the name of the local one."""
    return body.get(f"{name}_gmt", body.get(name))


def _utc(value: object) -> object:
    """A time in GMT as WooCommerce writes it, without a zone."""
    return f"{value}Z" if isinstance(value, str) and value[-1:].isdigit() else value


def _order(message: Message, order: Json, *, is_new: bool, by_sku: bool) -> Json:
    status, order_id = order.get("status"), text_id(order.get("id"))
    if status in DRAFTS or status == TRASH:
        raise InvalidEvent("unknown_type", f"status {status!r} is that of no order")
    meta = named_values(objects(order, "meta_data"), "key")
    customer = order.get("customer_id")
    common = {
        "visitor_id": meta.get("visitor_id"),
        "user_id": text_id(customer) if customer not in GUESTS else None,
        "order_id": order_id,
        "currency": order.get("currency"),
        "origin": _origin(order),
    }
    changed_at = _utc(_gmt(order, "date_modified"))
    if status == "cancelled":
        return common | {"type": "order_cancelled", "id": f"order-{order_id}-cancelled", "time": changed_at}
    items = [_line(line, by_sku=by_sku) for line in lines(order, "line_items")]
    offer = meta.get("offer_id")
    content = common | {
        "items": items,
        "offer_ids": None if offer is None else [offer],
        **_discounts(order),
        "shipping": order.get("shipping_total"),
        "tax": order.get("total_tax"),
    }
    if status == UNPAID:
        worth = total(line.get("subtotal") for line in objects(order, "line_items"))
        content["discount"] = max(0.0, worth)
    elif is_new:
        placed_at = _utc(_gmt(order, "date_created"))
        return content | {"type": "order_completed", "id": f"order-{order_id}", "time": placed_at}
    return content | {"type": "order_updated", "id": stable_id(message.value or b""), "time": changed_at}


def _origin(order: Json) -> str | None:
    via = order.get("created_via")
    return ORIGINS.get(via) if isinstance(via, str) else None


def _line(line: Json, *, by_sku: bool) -> Json:
    """A line before coupons and taxes."""
    product = text_id(line.get("variation_id") or line.get("product_id") or None)
    sku = text_id(line.get("sku"))
    named = {"price": per_piece(line.get("subtotal"), line.get("quantity")), "quantity": line.get("quantity")}
    return {"sku": (sku or product) if by_sku else (product or sku), **given(named)}


def _discounts(order: Json) -> Json:
    """What coupons took off, and fees below zero, by which shops write other discounts."""
    codes = [
        {"code": code} | given({"amount": each.get("discount")})
        for each in objects(order, "coupon_lines")
        if (code := text_id(each.get("code")))
    ]
    fees = [amount_of(each.get("total")) or 0.0 for each in objects(order, "fee_lines")]
    discount = total([order.get("discount_total"), *(-fee for fee in fees if fee < 0)])
    return {"discount": max(0.0, discount) or None, "discount_codes": codes or None}


def _refund(refund: Json) -> Json:
    number_ = text_id(refund.get("id"))
    return {
        "type": "order_refunded",
        "id": None if number_ is None else f"refund-{number_}",
        "time": _utc(_gmt(refund, "date_created")),
        "order_id": text_id(refund.get("parent_id")),
        "amount": refund.get("amount"),
        "currency": refund.get("currency"),
    }
