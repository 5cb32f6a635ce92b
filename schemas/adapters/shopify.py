"""Shopify: web pixel events and webhooks, told apart by their fields, so that one topic may carry both.

Both name an order, a checkout, a cart, a customer and a variant by the same ids, once the prefix that the
newer interfaces put before a number is taken off. The variant is the sku.
"""

from msgspec.structs import replace

from schemas.adapters import shopify_pixel, shopify_webhooks
from schemas.adapters.decoded import Decoded, event_of
from schemas.adapters.json_fields import given, inner, object_of, text_id
from schemas.message import Header, Message


def read(message: Message) -> Decoded:
    """The event in a message; raises InvalidEvent or pydantic's ValidationError."""
    body = object_of(message, "a pixel event or a webhook")
    detail = inner(body, "detail")
    if "payload" in detail:  # as Amazon EventBridge wraps webhooks
        body = inner(detail, "payload")
        message = replace(message, headers=message.headers + _headers(inner(detail, "metadata")))
    market = text_id(body.get("market"))
    is_pixel = "clientId" in body or ("data" in body and "timestamp" in body)
    fields = shopify_pixel.fields(body) if is_pixel else shopify_webhooks.fields(message, body)
    return event_of(given(fields | {"market": market}))


def _headers(metadata: dict[str, object]) -> tuple[Header, ...]:
    return tuple((name, value.encode()) for name, value in metadata.items() if isinstance(value, str))
