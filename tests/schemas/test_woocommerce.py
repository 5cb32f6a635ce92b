"""What becomes of a WooCommerce order that is told again and again, and what cannot be taken."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from schemas.adapters import FORMATS, decoder
from schemas.adapters.options import FormatOptions
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

GOLDEN = (Path(__file__).parent / "golden" / "woocommerce.jsonl").read_text().splitlines()
ORDER = json.loads(GOLDEN[0])["given"]
REFUND = json.loads(GOLDEN[-1])["given"]


def sent(given, topic="order.updated"):
    headers = ((("X-WC-Webhook-Topic", topic.encode()),) if topic else ()) + (("other", None),)
    return Message(json.dumps(given).encode(), None, headers)


def read(message, **options):
    return decoder("woocommerce", MAX_EVENT_BYTES, FormatOptions(**options))(replace(message, part=0)).event


def events(given, topic="order.updated"):
    message = sent(given, topic)
    parts = FORMATS["woocommerce"].parts(message)
    return [read(part) for part in ([message] if parts is None else parts)]


def kinds(given, topic="order.updated"):
    return [event.type for event in events(given, topic)]


def test_an_order_counts_once_whether_its_first_message_was_missed_or_not():
    (created,) = events(ORDER, "order.created")
    first, _ = events(ORDER | {"status": "completed"})
    assert created == first


def test_every_change_says_what_the_order_holds_now():
    assert kinds(ORDER) == ["order_completed", "order_updated"]
    assert kinds(ORDER, topic=None) == ["order_completed", "order_updated"]
    assert events(ORDER)[1].id == events(ORDER)[1].id != events(ORDER | {"status": "completed"})[1].id


def test_each_refund_of_an_order_has_an_id_that_stays():
    refunds = [{"id": 730, "reason": "", "total": "-9.15"}, {"id": 731, "reason": "", "total": "-36.60"}]
    some, all_of_them = events(ORDER | {"refunds": refunds[:1]}), events(ORDER | {"refunds": refunds})
    assert [event.id for event in all_of_them[2:]] == ["refund-730", "refund-731"]
    assert some[2] == all_of_them[2]
    assert {event.order_id for event in all_of_them} == {"727"}


def test_a_refund_in_an_order_is_of_the_goods_alone():
    whole = {"id": 730, "reason": "", "total": "-" + ORDER["total"]}
    goods = sum(float(line["total"]) for line in ORDER["line_items"])
    assert events(ORDER | {"refunds": [whole]})[2].amount == pytest.approx(goods)


def test_an_order_that_was_cancelled_is_nothing_else():
    assert kinds(ORDER | {"status": "cancelled", "refunds": [{"id": 1, "total": "-5"}]}) == [
        "order_cancelled"
    ]


def test_a_payment_that_failed_leaves_an_order_worth_nothing_until_it_succeeds():
    (failed,) = events(ORDER | {"status": "failed"})
    assert failed.type == "order_updated"
    assert failed.discount == sum(line.price * line.quantity for line in failed.items)
    assert events(ORDER)[1].discount == float(ORDER["discount_total"])


def test_version_1_of_the_interface_has_times_in_gmt_under_the_names_of_local_ones():
    old = {name.removesuffix("_gmt"): value for name, value in ORDER.items() if name[:5] != "date_"} | {
        name: ORDER[f"{name}_gmt"] for name in ("date_created", "date_modified")
    }
    assert [event.time for event in events(old)] == [event.time for event in events(ORDER)]
    refunds = {"refunds": [{"id": 730, "total": "-9.15"}]}
    assert events(old | refunds)[2].time == events(ORDER | refunds)[2].time


@pytest.mark.parametrize("guest", [0, "0", None])
def test_guests_are_no_user_in_common(guest):
    assert {event.user_id for event in events(ORDER | {"customer_id": guest})} == {None}


def test_an_amount_may_have_a_decimal_comma():
    line = ORDER["line_items"][0] | {"subtotal": "30,00", "quantity": "2"}
    assert events(ORDER | {"line_items": [line]})[0].items[0].price == 15


def test_an_order_in_the_bin_is_refused_and_not_passed_over():
    assert FORMATS["woocommerce"].parts(sent(ORDER | {"status": "trash"})) is None


def test_a_draft_of_the_checkout_is_no_event():
    assert events(ORDER | {"status": "checkout-draft"}, "order.created") == []


def test_a_product_is_known_by_the_number_of_what_was_bought_or_by_its_sku():
    by_number, by_sku = read(sent(ORDER)), read(sent(ORDER), product_key="sku")
    assert [line.sku for line in by_number.items] == ["93", "23"]
    assert [line.sku for line in by_sku.items] == ["OIL-1", "23"]


@pytest.mark.parametrize(
    ("given", "topic", "class_", "words"),
    [
        (5, None, "invalid", "a webhook must be a JSON object"),
        ({"id": 727}, "order.deleted", "unknown_type", "webhook order.deleted reports no order"),
        ({"id": 9}, None, "unknown_type", "webhook without a topic reports no order"),
        (ORDER | {"status": "trash"}, None, "unknown_type", "status 'trash' is that of no order"),
        (ORDER | {"line_items": 1}, None, "invalid", "line_items should be a list"),
        (ORDER | {"id": None}, None, "invalid", "order_id is missing"),
        (REFUND | {"parent_id": None}, None, "invalid", "order_id is missing"),
    ],
)
def test_what_is_no_event_is_refused_in_words(given, topic, class_, words):
    with pytest.raises(InvalidEvent) as wrong:
        read(sent(given, topic))
    assert wrong.value.class_ == class_
    assert words in wrong.value.reason


def test_the_parts_of_what_is_no_object_are_refused_in_words():
    with pytest.raises(InvalidEvent, match="a webhook must be a JSON object"):
        FORMATS["woocommerce"].parts(Message(b"5"))
