"""Which carts an order buys, wherever and by whomever it is told."""

from datetime import UTC

import msgspec
import pytest

from operators.sessions.cart_index import NAMES, CartIndex, new_names
from operators.sessions.features import pack, unpack
from operators.sessions.known_orders import BOUGHT_S, ORDERS, PASSING, KnownOrders
from operators.sessions.returning_visitors import RETURNING, ReturningVisitors
from operators.sessions.session_machine import SessionMachine
from operators.state.rows import StateRows
from operators.streaming.messages import CartBought, CartOutcome, Order, UserKnown, cart_names
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Visits,
    cancelled,
    cart_is,
    carted,
    checkout,
    event,
    item,
    kinds,
    ordered,
    refunded,
    session_settings,
    struct,
    updated,
    viewed,
)


def of(rows, kind):
    return [row for row in rows if isinstance(row, kind)]


def elsewhere(visits, order):
    """An order is told whose home is another shard."""
    visits.machine.process(msgspec.structs.replace(struct(order), is_home=False))
    return visits.machine.drain().events


@pytest.mark.parametrize(
    "keys", [{"cart_id": "c-1"}, {"checkout_id": "k-1"}, {"cart_id": "k-1"}, {"user_id": "u-1"}]
)
def test_an_order_without_a_visitor_buys_the_cart_it_names_or_its_users(keys):
    visits = Visits()
    visits.tell(carted(0, cart_id="c-1", user_id="u-1"), checkout(10, checkout_id="k-1"))
    rows = elsewhere(visits, ordered(60, None, order_id="o", **keys))
    assert kinds(rows, "purchased") == [("purchased", 60)]
    assert [(row.visitor, row.cart, row.order) for row in of(rows, CartBought)] == [("ann", "c-1", "o")]
    assert of(rows, Order) == []
    assert kinds(visits.wait(HOUR)) == []


def test_an_order_is_passed_on_by_its_home_alone_with_its_visitors_cart():
    visits = Visits()
    visits.tell(carted(0))
    cart = visits.visit().cart.id
    [order] = of(visits.tell(ordered(60)), Order)
    assert (order.cart, order.met_cart) == (cart, True)
    [order] = of(Visits().tell(ordered(60)), Order)
    assert (order.cart, order.met_cart) == (None, False)


def test_an_order_closes_the_carts_of_its_user_on_every_device():
    visits = Visits()
    visits.tell(*(carted(n, visitor, user_id="u") for n, visitor in enumerate(("phone", "laptop", "tablet"))))
    rows = visits.tell(ordered(60, "laptop", user_id="u"))
    assert sorted(row.visitor for row in of(rows, CartOutcome)) == ["laptop", "phone", "tablet"]
    assert sorted(row.visitor for row in of(rows, CartBought)) == ["phone", "tablet"]


def test_a_login_joins_what_is_open_and_what_was_left_behind():
    visits = Visits()
    visits.tell(carted(0))
    visits.wait(HOUR)
    rows = visits.tell(event("activity", HOUR, user_id="u"), viewed(HOUR + 1, user_id="u"))
    assert {(row.visitor, row.user) for row in of(rows, UserKnown)} == {("ann", "u")}
    rows = elsewhere(visits, ordered(HOUR + 60, None, order_id="o", user_id="u"))
    assert kinds(rows, "recovered") == [("recovered", HOUR + 60)]


@pytest.mark.parametrize("kind", ["activity", "offer_clicked"])
def test_a_login_joins_what_was_left_behind_though_it_begins_no_visit(kind):
    visits = Visits()
    visits.tell(carted(0))
    visits.wait(HOUR)
    more = {"offer_id": "default.d"} if kind == "offer_clicked" else {}
    rows = visits.tell(event(kind, HOUR, user_id="u", **more))
    assert [(row.visitor, row.user) for row in of(rows, UserKnown)] == [("ann", "u")]
    assert visits.visit() is None
    rows = elsewhere(visits, ordered(HOUR + 60, None, order_id="o", user_id="u"))
    assert kinds(rows, "recovered") == [("recovered", HOUR + 60)]


def test_feedback_says_who_a_visitor_is_once_in_a_visit():
    visits = Visits()
    visits.tell(carted(0))
    rows = visits.tell(*(event("offer_clicked", n, user_id="u", offer_id="default.d") for n in (1, 2)))
    assert [row.user for row in of(rows, UserKnown)] == ["u"]
    rows = elsewhere(visits, ordered(60, None, order_id="o", user_id="u"))
    assert kinds(rows, "purchased") == [("purchased", 60)]


@pytest.mark.parametrize("kind", ["activity", "page_viewed"])
def test_a_login_joins_the_cart_of_a_later_visit(kind):
    visits = Visits()
    visits.tell(event(kind, 0, user_id="u"))
    visits.wait(HOUR)
    resumed = Visits.resumed(visits.rows.snapshot())
    resumed.tell(carted(HOUR))
    rows = elsewhere(resumed, ordered(HOUR + 60, None, order_id="o", user_id="u"))
    assert kinds(rows, "purchased") == [("purchased", HOUR + 60)]


@pytest.mark.parametrize("kind", ["activity", "checkout_started"])
def test_a_checkout_step_teaches_what_a_cart_that_was_left_behind_is_called(kind):
    visits = Visits()
    visits.tell(carted(0))
    visits.wait(HOUR)
    visits.tell(event(kind, HOUR, checkout_id="k-1"))
    rows = elsewhere(visits, ordered(HOUR + 60, None, order_id="o", checkout_id="k-1"))
    assert kinds(rows, "recovered") == [("recovered", HOUR + 60)]


def test_the_market_is_told_who_a_visitor_is_once_in_a_visit():
    visits = Visits()
    users = [None, "u", "u", None, "w", "w"]
    rows = visits.tell(*(viewed(at, user_id=user) for at, user in enumerate(users)))
    assert [(row.user, row.at_s - T0) for row in of(rows, UserKnown)] == [("u", 1), ("w", 4)]
    visits.wait(HOUR)
    rows = visits.tell(viewed(HOUR, user_id="w"))
    assert [row.user for row in of(rows, UserKnown)] == ["w"]


def test_a_checkout_step_teaches_what_a_cart_is_called():
    visits = Visits()
    visits.tell(carted(0), event("activity", 10, name="payment info", checkout_id="k-1"))
    rows = elsewhere(visits, ordered(60, None, order_id="o", checkout_id="k-1"))
    assert kinds(rows, "purchased") == [("purchased", 60)]


def test_an_order_told_again_closes_no_later_cart():
    visits = Visits()
    visits.tell(carted(0), ordered(60, order_id="o"), carted(DAY))
    rows = visits.tell(ordered(DAY + 10, order_id="o", id="again"))
    assert [type(row) for row in rows] == [Order]
    assert visits.visit().cart_is_full
    assert elsewhere(visits, ordered(DAY + 20, None, order_id="o", user_id="u", id="third")) == []


def test_an_event_of_a_cart_that_was_bought_does_not_open_it_again():
    visits = Visits()
    visits.tell(carted(0, cart_id="c-1"), ordered(60, None, order_id="o", cart_id="c-1"))
    assert visits.tell(cart_is(90, item(), cart_id="c-1"), carted(100, cart_id="c-1")) == []
    assert kinds(visits.wait(10 * HOUR)) == []
    assert kinds(visits.tell(carted(10 * HOUR, cart_id="c-2")), "cart_changed") != []
    assert kinds(visits.tell(carted(BOUGHT_S + 61, cart_id="c-1")), "cart_changed") != []


def test_the_events_of_a_cart_may_come_after_the_order_that_bought_it():
    visits = Visits()
    elsewhere(visits, ordered(60, None, order_id="o", cart_id="c-1"))
    assert visits.tell(carted(61, cart_id="c-1")) == []


def test_an_order_of_another_market_buys_nothing():
    visits = Visits(timezones=dict.fromkeys(("default", "other"), UTC))
    visits.tell(carted(0, cart_id="c-1", user_id="u"))
    rows = elsewhere(visits, ordered(60, None, order_id="o", cart_id="c-1", user_id="u", market="other"))
    assert rows == []


def test_what_revises_an_order_is_passed_on():
    told = [refunded(0, "o"), cancelled(1, "o"), updated(2, "o", item())]
    assert [row.__struct_config__.tag for row in Visits().tell(*told)] == [each["type"] for each in told]


def test_a_denied_code_is_counted_and_a_feature():
    visits = Visits()
    rows = visits.tell(carted(0), event("coupon_denied", 5, code="X"), carted(10))
    moments = [row.features for row in rows if hasattr(row, "features")]
    assert [each.get("coupons_denied") for each in moments] == [None, 1]
    assert unpack(pack(moments[-1])) == moments[-1]
    assert list(unpack(pack(moments[-1]))) == list(moments[-1])


def test_carts_are_found_by_their_names_after_a_snapshot():
    visits = Visits()
    visits.tell(carted(0, "ann", cart_id="c-1"), carted(0, "bob", cart_id="c-2"))
    visits.wait(HOUR)
    visits.tell(carted(HOUR, "ann", cart_id="c-3"), ordered(HOUR + 1, None, order_id="o", cart_id="c-9"))
    resumed = Visits.resumed(visits.rows.snapshot())
    for one in (visits, resumed):
        rows = elsewhere(one, ordered(HOUR + 60, None, order_id="p", cart_id="c-3"))
        rows += elsewhere(one, ordered(HOUR + 60, None, order_id="q", cart_id="c-2"))
        assert [(row.visitor, row.cart) for row in of(rows, CartBought)] == [("ann", "c-3"), ("bob", "c-2")]
        assert one.tell(ordered(HOUR + 70, None, order_id="o", cart_id="c-9", id="again")) != []
        assert one.tell(carted(HOUR + 80, "cid", cart_id="c-9")) == []


def test_the_users_seen_last_are_remembered_and_no_more():
    returning = ReturningVisitors(StateRows())
    for n in range(RETURNING + 5):
        returning.know("m", f"v{n}", "u")
    known = [n for n in range(RETURNING + 5) if returning.user_of("m", f"v{n}") == "u"]
    assert known == list(range(5, RETURNING + 5))


def test_what_is_remembered_of_orders_and_names_is_bounded():
    known = KnownOrders(StateRows())
    for n in range(ORDERS + PASSING):
        known.add("m", f"o{n}", float(n))
        known.buy("m", (f"cart:{n}",), float(n))
        known.pass_by("m", (f"cart:p{n}",), float(n))
    assert (len(known.orders), len(known.bought), len(known.passing)) == (ORDERS, ORDERS, PASSING)
    assert not known.holds("m", "o0")
    assert known.holds("m", f"o{ORDERS + PASSING - 1}")
    names = cart_names(*(f"c-{n}" for n in range(NAMES)))
    assert new_names(names[:3], names) == names[3:]
    assert new_names(names, ("cart:another",)) == ()


def test_an_index_forgets_what_is_removed():
    index = CartIndex()
    index.add(("m", "ann"), ("a", "b"))
    index.add(("m", "bob"), ("b",))
    index.remove(("m", "ann"), ("a", "b", "c"))
    assert index.find("m", ("a", "b")) == [("m", "bob")]
    index.remove(("m", "bob"), ("b",))
    assert len(index) == 0


def test_many_visits_with_names_leave_no_names_behind():
    machine = SessionMachine(session_settings(), StateRows())
    for n in range(50):
        machine.process(struct(carted(n, f"v{n}", cart_id=f"c-{n}", user_id=f"u-{n % 7}")))
    for n in range(0, 50, 2):
        machine.process(struct(ordered(100, None, order_id=f"o-{n}", cart_id=f"c-{n}")))
    machine.fire(T0 + DAY)
    machine.forget(T0 + 30 * DAY)
    assert (len(machine._index), len(machine._abandoned), machine.carts) == (0, 0, 0)
    assert len(machine._abandoned._index) == 0
