"""Segment and RudderStack calls that cannot be taken; what can stands in the golden lines."""

import json

import pytest

from schemas.adapters import FormatOptions, decoder
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

CALL = {
    "type": "track",
    "event": "Product Viewed",
    "messageId": "m-1",
    "anonymousId": "a-1",
    "timestamp": "2026-03-01T12:00:00Z",
    "properties": {"product_id": "507", "price": 18.99},
}
CLOCKS = ("originalTimestamp", "sentAt", "receivedAt")


def decoded(changed, **options):
    value = json.dumps(CALL | changed).encode()
    return decoder("segment", MAX_EVENT_BYTES, FormatOptions(**options))(Message(value))


def read(value):
    return decoder("segment", MAX_EVENT_BYTES)(Message(value)).event


def call(**changed):
    return decoded(changed).event


def test_times_are_taken_by_the_clock_of_the_receiver():
    hours = ("2031-01-01T10:00:00Z", "2031-01-01T10:00:30Z", "2026-03-01T12:01:00Z")
    assert call(**dict(zip(CLOCKS, hours, strict=True))).time.isoformat() == "2026-03-01T12:00:30+00:00"


def test_without_all_three_clocks_the_timestamp_counts():
    event = call(originalTimestamp="2031-01-01T10:00:00Z", sentAt="2031-01-01T10:00:30Z")
    assert event.time.isoformat() == "2026-03-01T12:00:00+00:00"


FAR = dict(zip(CLOCKS, ("9999-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "9999-01-01T00:00:00Z"), strict=True))


@pytest.mark.parametrize("wrong", ["noon", 1772366400, "2026-03-01T12:00:30", {}, ""])
@pytest.mark.parametrize("name", CLOCKS)
def test_a_time_that_is_odd_costs_only_itself(name, wrong):
    read_call = decoded({name: wrong})
    assert read_call.event.time.isoformat() == "2026-03-01T12:00:00+00:00"
    assert read_call.dropped == (name,)


@pytest.mark.parametrize("wrong", ["noon", None, "2026-03-01T12:00:00"])
def test_without_a_timestamp_the_senders_clock_counts_and_then_the_receivers(wrong):
    later = {"originalTimestamp": "2026-03-01T12:00:01Z", "receivedAt": "2026-03-01T12:00:02Z"}
    assert call(timestamp=wrong, **later).time.second == 1
    assert call(timestamp=wrong, **later | {"originalTimestamp": "?"}).time.second == 2


def test_times_too_far_apart_leave_the_timestamp():
    read_call = decoded(FAR)
    assert read_call.event.time.isoformat() == "2026-03-01T12:00:00+00:00"
    assert read_call.dropped == ("sentAt",)


def test_a_time_before_all_shops_is_none_where_there_is_another():
    beginning = dict(
        zip(CLOCKS, ("1970-01-01T00:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:00:02Z"), strict=True)
    )
    assert call(**beginning).time.isoformat() == "2026-03-01T12:00:00+00:00"
    with pytest.raises(InvalidEvent, match="time should be greater than or equal to"):
        call(timestamp="1970-01-01T00:00:00Z")


def test_an_empty_anonymous_id_is_none():
    assert call(anonymousId="", userId="u-1").visitor_id == "u-1"


@pytest.mark.parametrize("event", ["Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"])
def test_what_became_of_an_order_needs_no_visitor(event):
    order = {"order_id": "o-1", "product_id": "507", "price": 18.99}
    told = call(event=event, anonymousId=None, userId="u-1", properties=order)
    assert (told.visitor_id, told.user_id, told.order_id) == (None, "u-1", "o-1")
    nobody = call(event=event, anonymousId="", properties=order)
    assert (nobody.visitor_id, nobody.user_id) == (None, None)
    assert call(event=event, userId="u-1", properties=order).visitor_id == "a-1"


def test_the_value_of_an_order_or_a_refund_may_have_a_decimal_comma():
    said = {"order_id": "o-1", "total": "59,90", "discount": "5,00", "coupon": "SAVE5"}
    order = call(event="Order Completed", properties=said)
    assert [item.price for item in order.items] == [64.9]
    assert [(code.code, code.amount) for code in order.discount_codes] == [("SAVE5", 5)]
    assert call(event="Order Refunded", properties=said).amount == 59.9


@pytest.mark.parametrize("total", [-24.9, "-24.90"])
def test_a_refund_of_less_than_nothing_is_what_was_paid_back(total):
    said = {"order_id": "o-1", "total": total, "shipping": -4.9}
    assert call(event="Order Refunded", properties=said).amount == 20
    assert call(event="Order Completed", properties=said).items[0].price == 0


def test_the_product_id_wins_over_the_sku():
    assert call(properties={"sku": "s", "product_id": "p"}).sku == "p"
    assert call(properties={"sku": "s", "product_id": ""}).sku == "s"


def test_an_order_that_says_nothing_of_its_content_is_an_order_of_nothing():
    order = decoded({"event": "Order Completed", "properties": {"order_id": "o-1"}})
    assert [(item.sku, item.price) for item in order.event.items] == [(None, 0)]
    assert "items" in order.dropped


def ordered(subtotal, **said):
    products = [{"product_id": "A", "price": 17.1}, {"product_id": "B", "price": "2.70", "quantity": 2}]
    properties = {"order_id": "o-1", "discount": 2.5, "subtotal": subtotal, "products": products, **said}
    return call(event="Order Completed", properties=properties)


def test_prices_after_a_code_are_taken_as_they_were_before_it():
    order = ordered(22.5, coupon="ten")
    assert [item.price for item in order.items] == [19, 3]
    assert (order.discount, order.discount_codes[0].amount) == (2.5, 2.5)
    free = [{"product_id": "A", "price": 0}]
    assert ordered(0, coupon="ten", products=free).items[0].price == 0


def test_prices_in_a_sale_are_what_they_are():
    order = ordered(22.5)
    assert [item.price for item in order.items] == [17.1, 2.7]
    assert order.discount == 0


def test_codes_may_be_several_and_one_that_is_none_costs_only_itself():
    products = [{"product_id": "A", "price": 17.1, "coupon": "five"}]
    order = ordered(None, coupon=["TEN", "ten", 7], products=products)
    assert [(code.code, code.amount) for code in order.discount_codes] == [
        ("ten", None),
        ("7", None),
        ("five", None),
    ]
    odd = {"order_id": "o-1", "coupon": {"code": "TEN"}, "products": products}
    assert decoded({"event": "Order Completed", "properties": odd}).dropped == ("coupon",)


def test_prices_before_a_discount_stay():
    for subtotal in (20.0, None, "?"):
        order = ordered(subtotal, coupon="ten")
        assert [item.price for item in order.items] == [17.1, 2.7]
        assert order.discount == 2.5
    odd = [{"product_id": "A", "price": 5}, {"product_id": "B", "price": 17.5, "quantity": 1, "unit_cost": 2}]
    assert ordered(22.5, coupon="ten", discount=0, products=odd).items[0].price == 5


def test_a_setting_says_whether_product_id_or_sku_identifies():
    product = {"productId": 507, "sku": "G-32", "price": 18.99}
    order = {"event": "Order Completed", "properties": {"order_id": "o-1", "products": [product]}}
    for key, sku in {"product_id": "507", "sku": "G-32"}.items():
        assert decoded({"properties": product}, product_key=key).event.sku == sku
        assert decoded(order, product_key=key).event.items[0].sku == sku
    assert decoded({"properties": {"id": 7}}, product_key="sku").event.sku == "7"


@pytest.mark.parametrize(
    "name",
    [
        *("Product Viewed", "product_viewed", "PRODUCT-VIEWED", "productViewed", "Product Viewed "),
        *("Product\u00a0Viewed", "Viewed Product", "viewed_product"),
    ],
)
def test_a_name_is_known_however_it_is_written(name):
    assert call(event=name).type == "product_viewed"


PAGE = {"type": "page", "name": "Home"}


@pytest.mark.parametrize(
    ("changed", "said", "dropped"),
    [
        ({"anonymousId": 12345}, {"visitor_id": "12345"}, ()),
        ({"anonymousId": 12345.0}, {"visitor_id": "12345"}, ()),
        ({"anonymousId": None, "userId": 678}, {"visitor_id": "678", "user_id": "678"}, ()),
        ({"messageId": 5}, {"id": "5"}, ()),
        ({"context": None}, {"device": None}, ()),
        ({"context": []}, {"device": None}, ()),
        ({"context": "web"}, {"device": None}, ("context",)),
        ({"context": {"device": None, "campaign": None, "page": None}}, {"device": None}, ()),
        ({"context": {"device": "mobile"}}, {"device": None}, ("device",)),
        ({"context": {"device": {"type": "ios"}, "sessionId": 1763632800000}}, {"device": "ios"}, ()),
        ({"context": {"sessionId": 1763632800000}}, {"session_id": "1763632800000"}, ()),
        ({"context": {"traits": {"plan": "x"}}, "integrations": {"All": False}}, {"sku": "507"}, ()),
        ({"properties": {"product_id": "A", "price": None, "category": None}}, {"sku": "A"}, ()),
        ({"properties": {"id": "A", "price": 3}}, {"sku": "A", "price": 3.0}, ()),
        ({"event": "Products Searched", "properties": {"query": 4711}}, {"query": "4711"}, ()),
        ({"event": "Products Searched", "properties": None}, {"query": ""}, ()),
        ({"event": "Cart Viewed", "properties": {"products": None}}, {"type": "page_viewed"}, ()),
        ({"event": "Cart Viewed", "properties": {"products": 3}}, {"type": "page_viewed"}, ("products",)),
        ({"event": "Cart Viewed", "properties": {"products": []}}, {"items": ()}, ()),
        ({"event": "Checkout Started", "properties": {"products": []}}, {"items": None}, ()),
        ({"event": "Checkout Started", "properties": {"value": 10}}, {"items": None}, ()),
        (
            {"event": "Promotion Viewed", "properties": {"promotion_id": "summer.sale"}},
            {"type": "activity"},
            (),
        ),
        ({"event": "Promotion Viewed", "properties": {"name": "x"}}, {"name": "Promotion Viewed"}, ()),
        ({"event": "", "properties": None}, {"type": "activity", "name": None}, ()),
        ({**PAGE, "name": 404, "properties": []}, {"title": "404"}, ()),
        ({**PAGE, "properties": {"url": None}, "context": {"page": {"url": "/a"}}}, {"url": "/a"}, ()),
    ],
)
def test_what_libraries_really_send_is_taken(changed, said, dropped):
    read_call = decoded(changed)
    assert {name: getattr(read_call.event, name) for name in said} == said
    assert read_call.dropped == dropped


@pytest.mark.parametrize(
    ("changed", "class_", "words"),
    [
        ({"type": "group"}, "unknown_type", "call 'group' reports no shop event"),
        ({"type": None}, "unknown_type", "call None reports no shop event"),
        ({"event": 7}, "invalid", "event should be the name of what is tracked"),
        ({"event": None}, "invalid", "event should be the name of what is tracked"),
        ({"anonymousId": None}, "invalid", "anonymousId and userId are missing"),
        ({"messageId": ""}, "invalid", "messageId is missing"),
        ({"messageId": None}, "invalid", "messageId is missing"),
        ({"timestamp": None}, "invalid", "timestamp is missing"),
        ({"timestamp": "noon"}, "invalid", "timestamp should be a time like 2026-01-31T12:00:00.000Z"),
        ({"timestamp": 5}, "invalid", "timestamp should be a time like"),
        ({"timestamp": "2026-03-01T12:00:00"}, "invalid", "timestamp should have a time zone"),
        ({"timestamp": None, "sentAt": "noon"}, "invalid", "sentAt should be a time like"),
        ({"properties": []}, "invalid", "sku is missing"),
        ({"properties": "Mug"}, "invalid", "sku is missing"),
        ({"properties": {}}, "invalid", "sku is missing"),
        (
            {"event": "Order Updated", "properties": {"order_id": "o-1", "products": []}},
            "invalid",
            "products are missing, and so is the order's value",
        ),
        ({"event": "Order Refunded", "properties": {}}, "invalid", "order_id is missing"),
        ({"event": "Offer Shown", "properties": {}}, "invalid", "offer_id is missing"),
    ],
)
def test_a_call_that_is_no_event_is_refused_in_words(changed, class_, words):
    with pytest.raises(InvalidEvent) as wrong:
        call(**changed)
    assert wrong.value.class_ == class_
    assert words in wrong.value.reason


def test_a_call_must_be_an_object():
    with pytest.raises(InvalidEvent, match="invalid: a call must be a JSON object"):
        read(b"7")


def test_a_call_must_be_json():
    with pytest.raises(InvalidEvent, match="not_json: not JSON"):
        read(b"type,track")
