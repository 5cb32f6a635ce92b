"""Messages of Shopify that cannot be taken, and what is told apart; what can stands in the golden lines."""

import json
from pathlib import Path

import pytest

from schemas.adapters import decoder
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

GOLDEN = [
    json.loads(line)["given"]
    for line in (Path(__file__).parent / "golden" / "shopify.jsonl").read_text().splitlines()
]
PIXEL = next(given for given in GOLDEN if given.get("name") == "checkout_completed")
ORDER = next(given for given in GOLDEN if "order_number" in given)
REFUND = next(given for given in GOLDEN if "refund_line_items" in given)
CHECKOUT = next(given for given in GOLDEN if "abandoned_checkout_url" in given)


def read(given, **headers):
    named = tuple((name.replace("_", "-"), value.encode()) for name, value in headers.items())
    return decoder("shopify", MAX_EVENT_BYTES)(Message(json.dumps(given).encode(), None, named)).event


def test_the_page_and_the_webhook_name_one_order_cart_checkout_and_customer():
    page, webhook = read(PIXEL), read(ORDER, x_shopify_topic="orders/create")
    names = ("order_id", "cart_id", "checkout_id", "user_id", "currency", "discount", "discount_codes")
    assert [getattr(page, name) for name in names] == [getattr(webhook, name) for name in names]
    assert [(line.sku, line.price, line.quantity) for line in page.items] == [
        (line.sku, line.price, line.quantity) for line in webhook.items
    ]


@pytest.mark.parametrize(
    ("given", "kind"),
    [(ORDER, "order_completed"), (REFUND, "order_refunded"), (CHECKOUT, "checkout_started")],
)
def test_a_webhook_whose_topic_was_lost_is_known_by_its_fields(given, kind):
    assert read(given).type == kind


@pytest.mark.parametrize("topic", ["orders/updated", "ORDERS_UPDATED", "Orders/Updated", "orders-updated"])
def test_the_topic_of_a_webhook_may_be_written_as_bridges_do(topic):
    assert read(ORDER, x_shopify_topic=topic).type == "order_updated"


def test_a_number_that_became_a_fraction_on_the_way_is_the_same_id():
    order = ORDER | {"id": float(ORDER["id"]), "line_items": [{"variant_id": 44.0, "price": "1,50"}]}
    assert read(order).order_id == str(ORDER["id"])
    assert [(line.sku, line.price) for line in read(order).items] == [("44", 1.5)]


def test_a_page_event_without_its_lines_is_what_is_left_of_it():
    def paid(kind, data):
        return read(PIXEL | {"name": kind, "data": data})

    started = paid("checkout_started", {"checkout": {"token": "k-1", "lineItems": None}})
    assert (started.type, started.checkout_id, started.items) == ("checkout_started", "k-1", None)
    assert paid("cart_viewed", {"cart": {"id": "c-1"}}).type == "page_viewed"
    assert paid("search_submitted", {"searchResult": None}).query == ""


def test_a_webhook_delivered_again_has_the_same_id():
    first, again = read(ORDER), read(ORDER)
    assert first.id == again.id != read(ORDER | {"note": "gift"}).id
    assert read(ORDER, X_Shopify_Webhook_Id="w-1").id == "w-1"


def test_webhooks_of_one_act_have_different_ids():
    created, updated = (
        read(ORDER, x_shopify_topic=topic, x_shopify_event_id="e-1")
        for topic in ("orders/create", "orders/updated")
    )
    assert created.id != updated.id


def test_a_refund_is_one_under_whatever_webhook_id():
    ids = {read(REFUND, x_shopify_webhook_id=webhook).id for webhook in ("w-1", "w-2")}
    assert len(ids) == 1


def test_a_refund_that_paid_nothing_back_is_not_the_whole_order():
    assert read(REFUND | {"refund_line_items": [], "transactions": []}).amount == 0


def test_an_update_after_a_refund_holds_what_was_ordered_since_the_refund_is_told_by_itself():
    line = ORDER["line_items"][0] | {"current_quantity": 0}
    update = read(ORDER | {"line_items": [line], "refunds": [REFUND]}, x_shopify_topic="orders/updated")
    assert (update.type, update.items[0].quantity) == ("order_updated", 2)


@pytest.mark.parametrize(
    ("given", "topic", "class_", "words"),
    [
        (5, None, "invalid", "a pixel event or a webhook must be a JSON object"),
        ({}, None, "unknown_type", "neither a pixel event nor a webhook of an order, refund or cart"),
        ({"id": 1}, "products/update", "unknown_type", "webhook 'products/update' reports no shop event"),
        (PIXEL | {"clientId": None}, None, "invalid", "clientId is missing"),
        (PIXEL | {"name": 5}, None, "invalid", "name should be the name of a pixel event"),
        (PIXEL | {"data": {}}, None, "invalid", "data.checkout.order.id is missing"),
        (PIXEL | {"name": "offer_shown"}, None, "invalid", "customData.offer_id is missing"),
        (PIXEL | {"id": ""}, None, "invalid", "id is missing"),
        (ORDER | {"line_items": {}}, "orders/create", "invalid", "line_items should be a list"),
        ({"id": 1}, "orders/create", "invalid", "line_items is missing"),
        (ORDER | {"id": None}, "orders/create", "invalid", "order_id is missing"),
        (
            CHECKOUT | {"note_attributes": []},
            "checkouts/update",
            "invalid",
            "webhook 'checkouts/update' names no visitor; the web pixel reports carts",
        ),
    ],
)
def test_what_is_no_event_is_refused_in_words(given, topic, class_, words):
    with pytest.raises(InvalidEvent) as wrong:
        read(given, **({"x_shopify_topic": topic} if topic else {}))
    assert wrong.value.class_ == class_
    assert words in wrong.value.reason
