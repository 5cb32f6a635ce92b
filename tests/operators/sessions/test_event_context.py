"""What events carry beside their kind: moments say it, and the market is told of consent."""

import msgspec

from operators.streaming.messages import ConsentKnown, EventContext, Moment, Trace
from tests.builders import (
    HOUR,
    T0,
    Visits,
    carted,
    checkout,
    event,
    looked,
    ordered,
    refunded,
    struct,
    told,
)

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def moments(rows):
    return [row for row in rows if isinstance(row, Moment)]


def consents(rows):
    return [
        (row.visitor, row.user, row.consent, row.at_s - T0) for row in rows if isinstance(row, ConsentKnown)
    ]


def traced(visits, at_event, parent):
    """The event comes in a record with this trace."""
    made = struct(at_event)
    context = None if parent is None else EventContext(trace=Trace(parent))
    visits.machine.process(msgspec.structs.replace(made, context=context))
    return visits.machine.drain().events


def test_a_moment_says_where_the_visitor_is_and_in_which_language_by_the_latest_word():
    visits = Visits()
    visits.tell(looked(0, timezone="Europe/Berlin", locale="de-DE"))
    visits.tell(carted(10, locale="de-AT", cart_url="https://shop.example/cart/1"))
    visits.tell(checkout(20, cart_url="https://shop.example/cart/2"))
    (idle,) = moments(visits.wait(200))
    assert (idle.timezone, idle.locale) == ("Europe/Berlin", "de-AT")
    assert idle.cart_url == "https://shop.example/cart/2"
    assert idle.visits_before == 0


def test_the_latest_segment_of_a_visit_is_a_feature_of_its_moments():
    visits = Visits()
    visits.tell(looked(0, segment="silver"))
    (silver,) = moments(visits.tell(carted(10)))
    (gold,) = moments(visits.tell(carted(20, segment="gold")))
    assert (silver.features["segment"], gold.features["segment"]) == ("silver", "gold")
    other = Visits()
    (nobody,) = moments(other.tell(carted(10)))
    assert "segment" not in nobody.features


def test_a_moment_counts_the_visits_before():
    visits = Visits()
    visits.tell(looked(0))
    visits.wait(HOUR)
    (changed,) = moments(visits.tell(carted(HOUR + 1)))
    assert changed.visits_before == 1


def test_the_address_of_a_cart_goes_with_it():
    visits = Visits()
    visits.tell(carted(0, cart_url="https://shop.example/cart/1"), ordered(10))
    (changed,) = moments(visits.tell(carted(20)))
    assert changed.cart_url is None


def test_a_moment_has_the_trace_of_the_latest_event_alone():
    visits = Visits()
    (changed,) = moments(traced(visits, carted(0), PARENT))
    assert changed.trace == Trace(PARENT)
    (idle,) = moments(visits.wait(150))
    assert idle.trace == Trace(PARENT)
    (again,) = moments(traced(visits, carted(200), None))
    assert again.trace is None


def test_the_market_is_told_of_consent_once_in_a_visit_and_before_the_moment():
    visits = Visits()
    rows = visits.tell(carted(0, consent={"email": True}, user_id="u-1"))
    assert consents(rows) == [("ann", "u-1", {"email": True}, 0)]
    assert [type(row).__name__ for row in rows][-2:] == ["UserKnown", "Moment"]
    assert type(rows[0]) is ConsentKnown
    assert consents(visits.tell(looked(1, consent={"email": True}))) == []
    assert consents(visits.tell(looked(2, consent={"app": False}))) == [("ann", "u-1", {"app": False}, 2)]
    assert consents(visits.tell(looked(3, consent={"email": True, "app": False}))) == []
    assert consents(visits.tell(looked(4, consent={"email": False}))) == [("ann", "u-1", {"email": False}, 4)]
    visits.wait(HOUR)
    assert consents(visits.tell(looked(2 * HOUR, consent={"email": False}))) != []


def test_after_consent_out_of_order_the_next_is_told_whatever_it_says():
    visits = Visits()
    visits.tell(looked(10, consent={"email": True}))
    assert consents(visits.tell(looked(5, consent={"email": False}))) == [("ann", None, {"email": False}, 5)]
    assert consents(visits.tell(looked(20, consent={"email": True}))) == [("ann", None, {"email": True}, 20)]


def test_a_late_consent_keeps_its_own_time():
    visits = Visits()
    visits.tell(looked(10))
    (row,) = [
        row for row in visits.late(looked(20, consent={"email": True}), 3) if isinstance(row, ConsentKnown)
    ]
    assert (row.at_s, row.happened_s) == (T0 + 20, T0 + 3)


def test_consent_without_a_visit_is_passed_on():
    visits = Visits()
    rows = visits.tell(
        event("activity", 0, consent={"app": True}),
        told("shown", 1, "default.x", consent={"email": True}),
        ordered(2, None, user_id="u-1", consent={"email": False}),
        refunded(3, "o-1", user_id="u-1", consent={"email": True}),
    )
    assert consents(rows) == [
        ("ann", None, {"app": True}, 0),
        ("ann", None, {"email": True}, 1),
        ("", "u-1", {"email": False}, 2),
        ("", "u-1", {"email": True}, 3),
    ]
    assert visits.visit() is None


def test_consent_of_nobody_is_not_passed_on():
    assert consents(Visits().tell(ordered(0, None, cart_id="c-1", consent={"email": True}))) == []


def test_an_order_tells_of_consent_from_its_home_alone():
    visits = Visits()
    visits.tell(carted(0, cart_id="c-1"))
    elsewhere = struct(ordered(1, "bob", cart_id="c-1", consent={"email": True}))
    visits.machine.process(msgspec.structs.replace(elsewhere, is_home=False))
    assert consents(visits.machine.drain().events) == []


def test_what_a_visit_knows_of_its_visitor_survives_a_restart():
    visits = Visits()
    made = carted(0, timezone="Asia/Tokyo", consent={"email": True}, cart_url="https://shop.example/c")
    visits.tell(made)
    again = Visits.resumed(visits.rows.snapshot())
    assert consents(again.tell(looked(1, consent={"email": True}))) == []
    (idle,) = moments(again.wait(150))
    assert (idle.timezone, idle.cart_url) == ("Asia/Tokyo", "https://shop.example/c")
