"""One odd line costs only itself: each is read by the rule, the others count as they stand."""

import json

import pytest

from schemas.adapters import decoder
from schemas.events import Activity, CartUpdated, OrderCompleted
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES, cart_is, carted, checkout, event, item, native, ordered

GOOD = {"product_id": "SKU-1", "price": 50, "quantity": 1}


def segment_order(*products):
    call = {
        "type": "track",
        "event": "Order Completed",
        "messageId": "m-1",
        "anonymousId": "v-1",
        "timestamp": "2026-03-01T12:00:00Z",
        "properties": {"order_id": "o-1", "products": products},
    }
    return decoder("segment", MAX_EVENT_BYTES)(Message(json.dumps(call).encode()))


def value(read):
    return sum(each.price * each.quantity for each in read.items)


def lines_of(read):
    return [(each.sku, each.price, each.quantity) for each in read.event.items]


@pytest.mark.parametrize(
    ("odd", "worth", "dropped"),
    [
        ({"name": "Free tote", "price": 0, "quantity": 1}, 0, ["items.sku"]),
        ({"product_id": "G-1", "quantity": 1}, 0, ["items.price"]),
        ({"product_id": "G-1", "price": 0, "quantity": 0}, 0, ["items.quantity"]),
        ({"product_id": "DISC10", "price": -5, "quantity": 1}, -5, ["items.price"]),
        ({"product_id": "G-1", "price": "", "quantity": 1}, 0, ["items.price"]),
        ({"product_id": "G-1", "price": 10, "quantity": ""}, 10, ["items.quantity"]),
        ({"product_id": "G-1", "price": 10, "quantity": 1.5}, 15, ["items.quantity"]),
        ({"product_id": "G-1", "price": 10, "category": ["a", "b"]}, 10, ["items.category"]),
        ({"product_id": "G-1", "price": 10, "category": 12}, 10, []),
        ({"product_id": 1234.0, "price": 10}, 10, []),
        ({"product_id": "G-1", "price": "$10.00"}, 10, ["items.price"]),
        ({"product_id": "G-1", "price": "10,00"}, 10, ["items.price"]),
        ({"product_id": "G-1", "price": "1,299.00"}, 1299, ["items.price"]),
        ({"product_id": "G-1", "price": "10.00 EUR"}, 10, ["items.price"]),
        ({"product_id": 0, "price": 10}, 10, []),
        ({"product_id": True, "price": True}, 0, ["items.price", "items.sku"]),
        ({"product_id": "G-1", "price": 10, "quantity": "2"}, 20, []),
        ({"product_id": "G-1", "price": 10, "quantity": 2.0}, 20, []),
        ({"product_id": "G-1", "price": " 10.00 ", "quantity": " 2 "}, 20, []),
        ({"product_id": " ", "price": 10}, 10, ["items.sku"]),
        (None, 0, ["items"]),
        ("G-1", 0, ["items"]),
        ({}, 0, ["items.price", "items.sku"]),
        ({"product_id": "G-1", "price": 10, "quantity": -1}, -10, ["items.quantity"]),
        ({"product_id": "G-1", "price": 10, "quantity": -0.5}, -5, ["items.quantity"]),
        ({"product_id": "G-1", "price": 10, "quantity": 0.5}, 5, ["items.quantity"]),
        ({"product_id": "G-1", "price": 1e308}, 0, ["items.price"]),
        ({"product_id": "G-1", "price": -1e308}, 0, ["items.price"]),
        ({"product_id": "G-1", "price": float("nan")}, 0, ["items.price"]),
        ({"product_id": "G-1", "price": 10, "quantity": float("inf")}, 10, ["items.quantity"]),
        ({"product_id": "G-1", "price": -0.0}, 0, []),
        ({"product_id": "G-1", "price": 10, "quantity": -0.0}, 0, ["items.quantity"]),
        ({"product_id": "G-1", "price": 1, "quantity": 1e308}, 1_000_000, ["items.quantity"]),
        ({"product_id": "G-1", "price": 10, "quantity": 10**400}, 10_000_000, ["items.quantity"]),
        ({"product_id": "x" * 201, "price": 10}, 10, ["items.sku"]),
        ({"product_id": "\ud800", "price": 10}, 10, ["items.sku"]),
    ],
)
def test_an_order_with_one_odd_line_is_the_order_of_its_good_lines(odd, worth, dropped):
    read = segment_order(GOOD, odd)
    assert lines_of(read)[0] == ("SKU-1", 50, 1)
    assert value(read.event) - read.event.discount == 50 + worth
    assert read.dropped == tuple(dropped)
    assert read.is_partial == bool(dropped)


def test_a_line_without_an_id_is_no_product_and_numbers_are_ids():
    read = segment_order(
        GOOD, {"price": 7}, {"product_id": 0, "price": 8}, {"product_id": 1234.0, "price": 9}
    )
    assert [each.sku for each in read.event.items] == ["SKU-1", None, "0", "1234"]


def test_a_discount_line_adds_to_the_discount_of_the_order():
    items = [item(price=120), item("WELCOME", -10)]
    read = native(ordered(0, items=items, discount=5.5))
    assert value(read.event) == 120
    assert read.event.discount == 15.5
    assert native(ordered(0, items=[item(price=120), item("BACK", -3, -2)], discount=10)).event.discount == 4


def test_a_fraction_of_a_piece_costs_a_fraction():
    read = native(ordered(0, items=[item("cheese", 10, 1.5, unit_cost=4)]))
    assert lines_of(read) == [("cheese", 15, 1)]
    assert read.event.items[0].unit_cost == 6


@pytest.mark.parametrize("items", [[None], ["x", 7], [item(quantity=0)], [item("DISC", -5)]])
def test_an_order_of_which_no_line_is_left_is_an_order_all_the_same(items):
    read = native(ordered(0, items=items))
    assert isinstance(read.event, OrderCompleted)
    assert lines_of(read) == [(None, 0, 1)]
    assert read.is_partial


@pytest.mark.parametrize("items", [[], None, {}, "shoe", 7])
def test_an_order_that_lists_nothing_is_refused(items):
    with pytest.raises(InvalidEvent, match="invalid: items should"):
        native(ordered(0, items=items))


def test_a_native_price_in_text_is_read_and_told():
    read = native(carted(0, price="9.50", quantity="2", sku=7))
    assert lines_of(read) == [("7", 9.5, 2)]
    assert read.dropped == ("items.price", "items.quantity", "items.sku")


def test_a_quantity_of_zero_is_not_in_the_cart():
    read = native(cart_is(0, item("shoe"), item("hat", quantity=0)))
    assert lines_of(read) == [("shoe", 50, 1)]
    empty = native(cart_is(0, item("hat", quantity=0), None))
    assert isinstance(empty.event, CartUpdated)
    assert empty.event.items == ()


@pytest.mark.parametrize(
    "said", [cart_is(0, None, item(price=-1)), carted(0, quantity=0), carted(0, price=-1)]
)
def test_a_cart_event_of_which_nothing_can_be_read_is_an_activity(said):
    read = native(said | {"cart_id": "c-1"})
    assert isinstance(read.event, Activity)
    assert (read.event.name, read.event.cart_id) == (said["type"], "c-1")


def test_a_checkout_whose_lines_cannot_be_read_does_not_list_them():
    assert native(checkout(0, items=[None])).event.items is None
    assert native(checkout(0, items="shoe")).event.items is None


def test_a_removal_of_no_pieces_takes_out_all_of_them():
    read = native(event("cart_item_removed", 0, items=[{"sku": "shoe", "quantity": 0}, {"quantity": 1}]))
    assert [(each.sku, each.quantity) for each in read.event.items] == [("shoe", 1_000_000)]
    assert read.dropped == ("items.quantity", "items.sku")


def test_what_is_paid_back_has_no_sign():
    items = [{"sku": "shoe", "price": -50, "quantity": -1}, {"sku": "hat", "quantity": -2}, {"sku": "sock"}]
    read = native(event("order_refunded", 0, order_id="o-1", items=items))
    assert lines_of(read) == [("shoe", 50, 1), ("hat", None, 2), ("sock", None, 1)]
    assert native(event("order_refunded", 0, order_id="o-1", amount=-7.5)).event.amount == 7.5


@pytest.mark.parametrize(
    "said", [{"items": [None]}, {"items": [{"sku": "shoe", "quantity": 0}]}, {"items": 7}, {"amount": "much"}]
)
def test_a_refund_that_does_not_say_what_is_not_the_whole_order(said):
    with pytest.raises(InvalidEvent, match="invalid: "):
        native(event("order_refunded", 0, order_id="o-1", **said))


def test_a_refund_of_lines_that_cannot_be_read_is_its_amount():
    read = native(event("order_refunded", 0, order_id="o-1", items=[None], amount=7.5))
    assert (read.event.items, read.event.amount) == (None, 7.5)


def test_a_price_in_another_currency_than_the_event_is_not_guessed():
    assert native(carted(0, price="10.00 USD")).event.currency == "USD"
    assert native(carted(0, price="10.00 USD", currency=" usd ")).event.currency == "USD"
    with pytest.raises(InvalidEvent, match="currency: a price in USD, in an event in 'EUR'"):
        native(carted(0, price="10.00 USD", currency="EUR"))
    with pytest.raises(InvalidEvent, match="currency: prices in USD and in EUR"):
        native(cart_is(0, item(price="1 USD"), item(price="1 EUR")))
