"""Events of Google Analytics 4: several in a payload, their ids and times, and what cannot be taken."""

import json

import pytest

from schemas.adapters import FORMATS, decoder
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

MICROS = 1_772_366_400_000_000
VIEW = {"name": "page_view", "params": {"session_id": "5"}}
PAYLOAD = {"client_id": "448.1712", "timestamp_micros": MICROS, "events": [VIEW]}
ROW = {
    "event_name": "page_view",
    "event_timestamp": MICROS,
    "user_pseudo_id": "448.1712",
    "event_params": [{"key": "ga_session_id", "value": {"int_value": 5}}],
}
OFFER = "default.5d41402abc4b2a76b9719d91"


def decoded(body, timestamp_s=None):
    return decoder("ga4", MAX_EVENT_BYTES)(Message(json.dumps(body).encode(), timestamp_s=timestamp_s))


def read(body, timestamp_s=None):
    return decoded(body, timestamp_s).event


def payload(name, **params):
    return PAYLOAD | {"events": [{"name": name, "params": params}]}


def parts(body):
    return FORMATS["ga4"].parts(Message(json.dumps(body).encode(), b"key", offset=3))


def test_a_payload_of_several_events_is_split_into_payloads_of_one():
    search = {"name": "search", "params": {"search_term": "lamp"}}
    made = parts(PAYLOAD | {"events": [VIEW, search, VIEW]})
    assert [(part.key, part.offset) for part in made] == [(b"key", 3)] * 3
    events = [decoder("ga4", MAX_EVENT_BYTES)(part).event for part in made]
    assert [event.type for event in events] == ["page_viewed", "searched", "page_viewed"]
    assert {event.visitor_id for event in events} == {"448.1712"}
    assert len({event.id for event in events}) == 3


def test_a_wrong_event_in_a_payload_costs_only_itself():
    wrong, right = parts(PAYLOAD | {"events": [7, VIEW]})
    assert decoder("ga4", MAX_EVENT_BYTES)(right).event.type == "page_viewed"
    with pytest.raises(InvalidEvent, match="events should be a list of objects"):
        decoder("ga4", MAX_EVENT_BYTES)(wrong)


@pytest.mark.parametrize("body", [PAYLOAD, PAYLOAD | {"events": []}, ROW, {"events": 1}, 5])
def test_what_holds_no_several_events_is_not_split(body):
    assert parts(body) is None


def test_an_event_sent_again_has_the_same_id_and_another_one_another():
    for body in (PAYLOAD, ROW):
        assert read(body).id == read(dict(reversed(body.items()))).id
    others = [
        PAYLOAD,
        PAYLOAD | {"client_id": "9"},
        PAYLOAD | {"timestamp_micros": MICROS + 1},
        payload("page_view", session_id="6"),
        payload("scroll", session_id="5"),
        ROW,
        ROW | {"batch_event_index": 2},
        ROW | {"event_bundle_sequence_id": 2},
    ]
    assert len({read(body).id for body in others}) == len(others)


def test_without_a_time_of_its_own_a_payload_was_sent_when_its_record_was():
    body = {"client_id": "9", "events": [VIEW]}
    assert read(body, timestamp_s=1_772_366_400.5).time.isoformat() == "2026-03-01T12:00:00.500000+00:00"
    with pytest.raises(InvalidEvent, match="invalid: timestamp_micros is missing"):
        read(body)


@pytest.mark.parametrize("wrong", ["noon", [], 1e300, "1e300"])
def test_a_time_that_is_odd_costs_only_itself(wrong):
    odd = VIEW | {"timestamp_micros": wrong}
    read_payload = decoded(PAYLOAD | {"events": [odd]})
    assert read_payload.event.time.isoformat() == "2026-03-01T12:00:00+00:00"
    assert read_payload.dropped == ("timestamp_micros",)


@pytest.mark.parametrize("micros", [1772366400000000, "1772366400000000", "1.7723664E15", 1.7723664e15])
def test_a_time_may_be_written_as_text_or_as_a_float_writes_it(micros):
    assert read(PAYLOAD | {"events": [VIEW], "timestamp_micros": micros}).time.isoformat() == (
        "2026-03-01T12:00:00+00:00"
    )


def test_a_discount_with_a_coupon_is_added_to_the_price_and_one_without_is_a_sale():
    sale = {"item_id": "A", "price": 8, "discount": 2}
    assert read(payload("add_to_cart", items=[sale])).items[0].price == 8
    assert read(payload("add_to_cart", items=[sale], coupon="ten")).items[0].price == 10
    order = read(payload("purchase", transaction_id="T", items=[sale | {"quantity": 3}], coupon="ten"))
    assert order.items[0].price == 10
    assert order.discount == 6
    assert [(code.code, code.amount) for code in order.discount_codes] == [("ten", 6)]
    assert sum(item.price * item.quantity for item in order.items) - order.discount == 24


def test_codes_that_differ_in_case_are_one():
    items = [{"item_id": "A", "price": 8, "discount": 2, "coupon": "Ten"}, {"item_id": "B", "price": 1}]
    (code,) = read(payload("purchase", transaction_id="T", coupon="TEN", items=items)).discount_codes
    assert (code.code, code.amount) == ("TEN", 2)


@pytest.mark.parametrize("more", [{"coupon": 5.5}, {"items": [{"item_id": "A", "price": 8, "coupon": {}}]}])
def test_a_coupon_that_is_no_code_costs_only_itself(more):
    item = {"item_id": "A", "price": 8, "discount": 2}
    order = decoded(payload("purchase", **{"transaction_id": "T", "items": [item], **more}))
    assert (order.event.items[0].price, order.event.discount_codes) == (8, ())
    assert order.dropped == ("coupon",)


def test_a_code_whose_part_nobody_says_has_no_amount():
    order = read(payload("purchase", transaction_id="T", coupon="TEN", items=[{"item_id": "B", "price": 1}]))
    assert [(code.code, code.amount) for code in order.discount_codes] == [("TEN", None)]
    assert order.discount == 0


def test_a_purchase_without_an_id_is_an_order_all_the_same():
    order = read(payload("purchase", value=5))
    assert order.order_id == order.id
    assert order.items[0].price == 5


def test_a_purchase_that_says_nothing_of_its_content_is_an_order_of_nothing():
    order = decoded(payload("purchase", transaction_id="T"))
    assert [item.price for item in order.event.items] == [0]
    assert "items" in order.dropped


def test_orders_of_debug_mode_and_of_the_shops_own_people_are_tests():
    def origin(**params):
        return read(payload("purchase", transaction_id="T", value=1, **params)).origin

    assert origin(debug_mode=1) == origin(debug_mode="1") == origin(traffic_type="internal") == "test"
    assert origin() == origin(debug_mode=0) == origin(debug_mode="0") == "online"


def test_without_consent_an_order_is_still_an_order():
    nobody = {"event_name": "purchase", "event_timestamp": MICROS, "ecommerce": {"transaction_id": "T"}}
    assert read(nobody).visitor_id is None
    with pytest.raises(InvalidEvent, match="no client and no user, as without consent"):
        read(nobody | {"event_name": "add_to_cart"})
    assert read(nobody | {"event_name": "scroll", "user_id": 7}).visitor_id == "7"
    assert read(nobody | {"user_id": 7}).visitor_id is None


@pytest.mark.parametrize(
    ("body", "dropped"),
    [
        (ROW | {"device": "mobile"}, ("device",)),
        (ROW | {"device": [], "ecommerce": None}, ()),
        (ROW | {"event_params": 5}, ("event_params",)),
        (ROW | {"event_params": [5, {"key": 1}, {"key": "a"}, {"key": "b", "value": {"x": 1}}]}, ()),
        (ROW | {"event_params": None}, ()),
        (ROW | {"items": {}}, ("items",)),
        (PAYLOAD | {"events": [{"name": "page_view", "params": "x"}]}, ("params",)),
        (PAYLOAD | {"events": [{"name": "page_view"}]}, ()),
    ],
)
def test_what_is_odd_around_an_event_costs_only_itself(body, dropped):
    read_body = decoded(body)
    assert read_body.event.type == "page_viewed"
    assert read_body.dropped == dropped


def test_feedback_is_of_our_offers_alone():
    item = {"item_id": "A", "promotion_id": OFFER}
    assert read(payload("view_promotion", promotion_id=OFFER)).type == "offer_shown"
    assert read(payload("select_promotion", items=[item])).offer_id == OFFER
    for params in ({}, {"promotion_id": "summer.sale"}, {"items": [7]}, {"items": [{"promotion_id": "x"}]}):
        assert read(payload("view_promotion", **params)).type == "activity"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (5, "a payload or a row must be a JSON object"),
        ({}, "it has neither events, as a payload, nor event_name, as a row of the export"),
        (PAYLOAD | {"events": []}, "events should be a list of objects, not an empty one"),
        (PAYLOAD | {"events": [{"params": {}}]}, "the name of an event should be text"),
        (ROW | {"event_name": 7}, "the name of an event should be text"),
        (ROW | {"event_timestamp": None}, "event_timestamp is missing"),
        (ROW | {"event_timestamp": "noon"}, "event_timestamp should be a number of microseconds since 1970"),
        (payload("refund"), "order_id is missing"),
        (payload("offer_shown"), "offer_id is missing"),
    ],
)
def test_what_is_no_event_is_refused_in_words(body, words):
    with pytest.raises(InvalidEvent) as wrong:
        read(body)
    assert wrong.value.class_ == "invalid"
    assert words in wrong.value.reason
