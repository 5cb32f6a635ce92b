"""One story told in every format is one story, but for what a format cannot say."""

import pytest

from schemas.adapters import decoder
from schemas.events import EVENTS
from schemas.message import Message
from tests.builders import MAX_EVENT_BYTES
from tests.schemas import writers

OFFER = "default.5d41402abc4b2a76b9719d91"
WHO = {"visitor_id": "v-1", "session_id": "s-1", "device": "mobile", "source": "newsletter"}
LAMP = {"sku": "L-20", "price": 40.0, "quantity": 1, "category": "lamps", "unit_cost": 21.0}
BULBS = {"sku": "L-21", "price": 4.5, "quantity": 2, "category": "bulbs"}
CART = {"cart_id": "c-3", "currency": "EUR"}
ORDER = {"order_id": "T-9", "currency": "EUR"}
PAID = {
    "discount": 5.0,
    "discount_codes": [{"code": "BRIGHT", "amount": 5.0}],
    "shipping": 4.9,
    "tax": 7.0,
}
SAID = [
    {"type": "page_viewed", "url": "https://shop.example/lamps", "title": "Lamps"},
    {"type": "searched", "query": "lamp"},
    {"type": "product_viewed", "sku": "L-20", "price": 40.0, "category": "lamps", "currency": "EUR"},
    {"type": "cart_item_added", "items": [LAMP]} | CART,
    {"type": "cart_item_added", "items": [BULBS]} | CART,
    {"type": "cart_item_removed", "items": [{"sku": "L-21", "quantity": 1}]} | CART,
    {"type": "cart_updated", "items": [LAMP, BULBS], "market": "uk"} | CART,
    {"type": "offer_shown", "offer_id": OFFER},
    {"type": "offer_clicked", "offer_id": OFFER},
    {"type": "offer_dismissed", "offer_id": OFFER},
    {"type": "checkout_started"} | CART,
    {"type": "activity", "name": "add_payment_info"},
    {"type": "coupon_denied", "code": "BRIGHT50", "reason": "expired"},
    {"type": "offer_redeemed", "offer_id": OFFER, "order_id": "T-9"},
    {"type": "order_completed", "user_id": "u-7", "cart_id": "c-3", "items": [LAMP, BULBS]} | ORDER | PAID,
    {"type": "order_updated", "items": [LAMP]} | ORDER,
    {"type": "order_refunded", "amount": 5.0} | ORDER,
    {"type": "order_refunded", "items": [{"sku": "L-20", "quantity": 1}]} | ORDER,
    {"type": "order_cancelled", "reason": "out of stock"} | ORDER,
]
STORY = [
    WHO | {"id": f"e-{at}", "time": f"2026-03-01T12:{at:02}:00.250Z"} | event for at, event in enumerate(SAID)
]

WRITERS = {
    "segment": ("segment", writers.segment),
    "ga4 payload": ("ga4", writers.ga4_payload),
    "ga4 row": ("ga4", writers.ga4_row),
    "snowplow JSON": ("snowplow", writers.snowplow_json),
    "snowplow TSV": ("snowplow", writers.snowplow_tsv),
}
UNSAID = {
    "segment": (set(), set()),
    "ga4": ({"order_updated", "order_cancelled"}, {"id"}),
    "snowplow": (
        {
            "cart_updated",
            "coupon_denied",
            "offer_dismissed",
            "offer_redeemed",
            "order_updated",
            "order_cancelled",
        },
        {"unit_cost", "market"},
    ),
}
"""The kinds and the fields that a format cannot say."""


def without(value, names):
    if isinstance(value, dict):
        return {name: without(inner, names) for name, inner in value.items() if name not in names}
    return [without(each, names) for each in value] if isinstance(value, list) else value


def plain(event, names):
    return without(EVENTS.dump_python(event, mode="json"), names)


@pytest.mark.parametrize("name", WRITERS)
def test_a_story_is_the_same_in_every_format(name):
    form, write = WRITERS[name]
    kinds, fields = UNSAID[form]
    decode = decoder(form, MAX_EVENT_BYTES)
    for event in STORY:
        if event["type"] not in kinds:
            heard = decode(Message(write(event).encode()))
            meant = EVENTS.validate_python(event, strict=False)
            assert plain(heard.event, fields) == plain(meant, fields)
            assert heard.dropped == ()
