"""Visits of one shard: moments, outcomes, silence, returning visitors."""

from collections import Counter
from datetime import datetime
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.sessions import abandoned_carts, returning_visitors, visit_store
from operators.streaming.ids import share_of
from operators.streaming.messages import CartOutcome, Moment
from tests.builders import (
    DAY,
    HOUR,
    OFTEN,
    T0,
    Visits,
    cart_is,
    carted,
    checkout,
    event,
    item,
    kinds,
    looked,
    ordered,
    removed,
    struct,
    told,
    viewed,
)
from tests.rows import everything_in

IDLE, GAP = 120.0, 1800.0


def test_a_cart_change_and_a_checkout_are_moments():
    rows = Visits().tell(viewed(0), carted(1, price=9.5), checkout(2), checkout(3, items=[item()]))
    assert kinds(rows) == [("cart_changed", 1), ("checkout_begun", 2), ("checkout_begun", 3)]
    assert [row.cart_value for row in rows] == [9.5, 9.5, 50.0]


def test_a_checkout_that_names_no_items_leaves_the_cart_as_it_is():
    visits = Visits()
    rows = visits.tell(carted(0), checkout(1, items=[]))
    assert kinds(rows) == [("cart_changed", 0), ("checkout_begun", 1)]
    assert visits.visit().cart.quantity == 1


def test_whatever_a_visitor_does_keeps_the_cart_from_being_idle_and_the_visit_alive():
    visits = Visits()
    visits.tell(carted(0))
    for at in range(60, 3000, 60):
        assert visits.tell(event("activity", at, name="checkout step")) == []
    assert visits.wait(2940 + IDLE) == []
    assert kinds(visits.wait(2940 + IDLE + 1)) == [("cart_idle", 2940 + IDLE)]


def test_what_is_not_modelled_begins_no_visit():
    visits = Visits()
    visits.tell(event("activity", 0))
    assert visits.visit() is None


def test_a_late_event_runs_timers_by_its_place_and_durations_by_its_own_time():
    visits = Visits()
    visits.tell(carted(100))
    visits.late(looked(200), happened=20)
    visit = visits.visit()
    assert (visit.started_s, visit.last_s) == (T0 + 20, T0 + 200)
    assert kinds(visits.wait(200 + IDLE + 1)) == [("cart_idle", 200 + IDLE)]


def test_a_cart_change_that_comes_late_is_put_into_its_place():
    visits = Visits()
    visits.tell(cart_is(100, item("hat")))
    visits.late(removed(101, sku="hat"), happened=50)
    assert list(visits.visit().cart.lines) == ["hat"]
    assert visits.visit().cart.changed_s == T0 + 100


def test_a_late_change_of_a_cart_that_was_ordered_since_opens_none():
    visits = Visits()
    visits.tell(carted(0), ordered(100))
    visits.late(carted(130, sku="sock"), happened=50)
    assert visits.visit().cart is None


def test_an_empty_cart_is_no_moment():
    visits = Visits()
    rows = visits.tell(carted(0), removed(1), checkout(2))
    assert kinds(rows) == [("cart_changed", 0)]
    assert visits.wait(2 + GAP + 1) == []
    assert visits.visit() is None


def test_a_moment_says_what_is_known_of_its_cart():
    visits = Visits()
    visits.tell(cart_is(0, *(item(f"P-{number}", 10.0, 2) for number in range(1000))))
    odd = msgspec.structs.replace(struct(carted(1)), partial=True)
    visits.machine.process(odd)
    moment = visits.tell()[-1]
    assert (moment.cart_value, len(moment.lines), moment.lines_left_out) == (20_050.0, 100, 901)
    assert moment.partial
    assert moment.features["cart_lines"] == 1001


def test_a_quiet_cart_is_idle_exactly_once_in_a_silence():
    visits = Visits()
    visits.tell(carted(0))
    assert kinds(visits.wait(IDLE)) == []
    assert kinds(visits.wait(IDLE + 1)) == [("cart_idle", IDLE)]
    for until in range(200, 1800, 100):
        assert visits.wait(until) == []


def test_each_silence_has_its_own_idle_moment_at_its_own_time():
    visits = Visits()
    visits.tell(carted(0))
    visits.wait(200)
    visits.tell(looked(300))
    assert kinds(visits.wait(300 + IDLE + 1)) == [("cart_idle", 300 + IDLE)]
    assert visits.wait(1000) == []
    visits.tell(carted(1000, sku="sock"))
    assert kinds(visits.wait(1200)) == [("cart_idle", 1000 + IDLE)]


def test_clicks_put_the_idle_moment_off():
    visits = Visits()
    visits.tell(carted(0), looked(60), looked(119))
    assert visits.wait(119 + IDLE) == []
    assert kinds(visits.wait(119 + IDLE + 1)) == [("cart_idle", 119 + IDLE)]


def test_own_timers_fire_before_the_next_event_though_no_time_was_told():
    rows = Visits().tell(carted(0), looked(500), looked(5000))
    assert kinds(rows) == [
        ("cart_changed", 0),
        ("cart_idle", IDLE),
        ("cart_idle", 500 + IDLE),
        ("session_ended", 500 + GAP),
        ("abandoned", 500 + GAP),
    ]


def test_timers_of_all_visitors_fire_in_order_of_time():
    visits = Visits()
    visits.tell(carted(0, "ann"), carted(10, "bob"), looked(100, "ann"), carted(60, "cid"))
    assert kinds(visits.wait(300)) == [("cart_idle", 130), ("cart_idle", 180), ("cart_idle", 220)]


def test_a_visit_ends_after_half_an_hour_of_silence_and_is_freed():
    visits = Visits()
    visits.tell(looked(0))
    visits.wait(GAP)
    assert visits.visit() is not None
    visits.wait(GAP + 1)
    assert visits.visit() is None
    assert len(visits.machine.timers) == 0


def test_an_event_at_the_very_end_of_the_gap_belongs_to_the_visit():
    visits = Visits()
    visits.tell(looked(0), looked(GAP))
    assert visits.visit().events == 2
    visits.tell(looked(2 * GAP + 0.001))
    assert visits.visit().events == 1


def test_a_gap_shorter_than_the_idle_time_ends_the_visit_without_an_idle_moment():
    visits = Visits(session_gap_s=60.0)
    rows = visits.tell(carted(0), looked(90))
    assert kinds(rows) == [("cart_changed", 0), ("session_ended", 60), ("abandoned", 60)]
    assert visits.visit().events == 1


def test_a_returning_visitor_is_known():
    visits = Visits()
    visits.tell(looked(0), looked(1, "bob"), looked(HOUR), looked(2 * HOUR))
    [moment] = visits.tell(carted(2 * HOUR + 1))
    assert moment.features["visits_before"] == 2
    assert visits.visit("bob").visits_before == 0


def test_a_purchase_is_the_outcome_of_its_cart_and_ends_it():
    visits = Visits()
    first = visits.tell(carted(0), ordered(60))
    assert kinds(first) == [("cart_changed", 0), ("order_completed", 60), ("purchased", 60)]
    assert first[0].cart == first[1].cart == first[2].cart
    assert kinds(visits.wait(60 + GAP + 1)) == []


def test_a_change_of_the_cart_that_arrives_after_its_order_opens_no_new_cart():
    visits = Visits()
    visits.tell(carted(0), ordered(60))
    assert visits.tell(carted(55, sku="sock")) == []
    assert kinds(visits.tell(carted(61))) == [("cart_changed", 61)]


def test_a_second_cart_in_the_same_visit_is_another_cart():
    visits = Visits()
    rows = visits.tell(carted(0), ordered(60), carted(70))
    assert rows[0].cart != rows[-1].cart


def test_an_order_out_of_the_blue_is_passed_on_and_opens_no_visit():
    visits = Visits()
    assert kinds(visits.tell(ordered(0))) == [("order_completed", 0)]
    assert visits.visit() is None


def test_a_purchase_within_a_day_recovers_an_abandoned_cart_once():
    visits = Visits()
    gone = visits.tell(carted(0)) + visits.wait(HOUR)
    rows = visits.tell(ordered(10 * HOUR))
    assert kinds(rows) == [("order_completed", 10 * HOUR), ("recovered", 10 * HOUR)]
    assert rows[0].cart == rows[1].cart == gone[0].cart
    assert kinds(visits.tell(ordered(11 * HOUR))) == [("order_completed", 11 * HOUR)]


def test_a_purchase_after_a_day_recovers_nothing_however_late_time_is_told():
    for wait in (True, False):
        visits = Visits()
        visits.tell(carted(0))
        visits.wait(HOUR)
        if wait:
            visits.wait(GAP + DAY + 1)
        assert kinds(visits.tell(ordered(GAP + DAY + 1))) == [("order_completed", GAP + DAY + 1)]


def test_a_late_order_from_before_the_cart_is_not_its_purchase():
    visits = Visits()
    visits.tell(looked(0), carted(300))
    rows = visits.late(ordered(400), happened=200)
    assert kinds(rows) == [("order_completed", 400)]
    assert kinds(visits.wait(400 + IDLE + 1)) == [("cart_idle", 400 + IDLE)]
    assert kinds(visits.tell(carted(350, sku="sock"))) == [("cart_changed", 350)]


def test_a_late_order_of_the_cart_is_its_purchase():
    visits = Visits()
    visits.tell(carted(0))
    assert kinds(visits.late(ordered(400), happened=60)) == [
        ("cart_idle", IDLE),
        ("order_completed", 400),
        ("purchased", 400),
    ]


def test_what_became_of_an_offer_goes_to_the_market_and_opens_no_visit():
    visits = Visits()
    assert kinds(visits.tell(told("shown", 0, "default.x"))) == [("offer_shown", 0)]
    assert visits.visit() is None


def test_the_same_visitor_in_two_markets_has_two_visits():
    visits = Visits()
    visits.tell(looked(0, market="fr"), looked(1, market="de"))
    found = [visits.machine.visits.get((market, "ann")) for market in ("fr", "de", "uk")]
    assert [visit and (visit.market, visit.events) for visit in found] == [("fr", 1), ("de", 1), None]


def test_the_outcome_is_learned_from_features_as_they_were_at_the_moment():
    visits = Visits()
    rows = visits.tell(carted(0), carted(10, sku="sock"), looked(20)) + visits.wait(HOUR)
    moments = [row for row in rows if isinstance(row, Moment)]
    [outcome] = [row for row in rows if isinstance(row, CartOutcome)]
    assert outcome.moments == 3
    seen = {moment.id: moment.features for moment in moments}
    assert outcome.features == seen[outcome.moment]


def test_the_moment_an_outcome_teaches_is_drawn_evenly():
    visits, drawn = Visits(), Counter()
    for n in range(600):
        name = f"v{n}"
        rows = visits.tell(*(carted(at, name, id=f"{n}-{at}") for at in range(3)), ordered(5, name))
        *moments, outcome = [row for row in rows if isinstance(row, Moment | CartOutcome)]
        drawn[[moment.id for moment in moments].index(outcome.moment)] += 1
        assert outcome.moments == 3
    assert all(160 <= drawn[place] <= 240 for place in range(3)), drawn


def test_the_end_of_the_visit_is_scored_but_does_not_teach():
    visits = Visits()
    for n in range(50):
        visits.tell(carted(0, f"v{n}"))
    rows = visits.wait(HOUR)
    assert {row.moment_kind for row in rows if isinstance(row, CartOutcome)} == {"cart_changed", "cart_idle"}


def test_moments_of_an_id_used_again_have_other_names():
    rows = Visits().tell(carted(0, id="again"), carted(2 * DAY, id="again"))
    names = [row.id for row in rows if isinstance(row, Moment)]
    assert len(set(names)) == len(names) == 4


def test_no_visitor_can_take_anothers_name():
    one = Visits().tell(carted(0, "a\x1fcart_changed\x1fb", id="c"))
    other = Visits().tell(carted(0, "a", id="b\x1fcart_changed\x1fc"))
    assert one[0].id != other[0].id


def test_a_steady_load_for_ten_days_leaves_a_bounded_state(monkeypatch):
    monkeypatch.setattr(returning_visitors, "RETURNING", 500)
    visits, sizes = Visits(), []
    for n in range(1200):
        at = n * 720.0
        visits.tell(carted(at, f"v{n}"), *([ordered(at + 60, f"v{n}")] if n % 3 else []))
        visits.wait(at)
        machine = visits.machine
        sizes.append(
            (
                len(machine.visits),
                len(machine.timers),
                len(machine._abandoned),
                len(machine._returning.counts),
            )
        )
        machine.save_changed()
        machine.drain()
    assert max(size[0] for size in sizes) <= 10
    assert all(timers == live for live, timers, _, _ in sizes)
    assert max(size[2] for size in sizes) <= DAY / 720 / 3 + 2
    assert sizes[-1][3] == 500
    assert len(machine._changed) <= 10
    assert len(machine.timers._heap) <= 20


def test_carts_left_by_a_crowd_are_remembered_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(abandoned_carts, "ABANDONED", 20)
    visits = Visits()
    visits.tell(*(carted(0, f"v{n:02d}") for n in range(30)))
    visits.wait(HOUR)
    left = visits.machine._abandoned._carts.values()
    assert [cart.visitor for cart in left] == [f"v{n}" for n in range(10, 30)]


shopping = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 60, 119, 121, 500, 1799, 1801, 4000]),
        st.sampled_from([looked, viewed, carted, removed, checkout, ordered, cart_is]),
        st.sampled_from(["ann", "bob"]),
    ),
    max_size=12,
)


def seconds(event):
    return datetime.fromisoformat(event["time"]).timestamp() - T0


def acted(steps):
    at, events = 0.0, []
    for place, (wait, what, who) in enumerate(steps):
        at += wait
        events.append(what(at, visitor=who, id=f"{place:03d}"))
    return events, at


@OFTEN
@given(shopping, st.integers(0, 12), st.booleans())
def test_sessions_written_down_at_any_point_go_on_as_if_they_had_not_been(steps, cut, ticking):
    events, end = acted(steps)
    one, other = Visits(), None
    for place, each in enumerate(events):
        if place == cut:
            other = Visits.resumed(one.rows.snapshot())
        said = one.wait(seconds(each)) if ticking else []
        if place >= cut and ticking:
            assert other.wait(seconds(each)) == said
        said = one.tell(each)
        if place >= cut:
            assert other.tell(each) == said
    if other is None:
        other = Visits.resumed(one.rows.snapshot())
    assert other.wait(end + DAY) == one.wait(end + DAY)
    assert everything_in(other.rows) == everything_in(one.rows)


@OFTEN
@given(shopping)
def test_every_cart_has_one_outcome_at_most_and_every_silence_one_idle_moment(steps):
    events, end = acted(steps)
    visits = Visits()
    rows = visits.tell(*events) + visits.wait(end + DAY)
    ended = Counter(row.cart for row in rows if isinstance(row, CartOutcome) and row.kind != "recovered")
    assert not ended or max(ended.values()) == 1
    idle = Counter(
        (row.visitor, row.at_s) for row in rows if isinstance(row, Moment) and row.kind == "cart_idle"
    )
    assert not idle or max(idle.values()) == 1
    names = [row.id for row in rows if not isinstance(row, Moment | CartOutcome)]
    assert len(names) == len(set(names))


@OFTEN
@given(shopping)
def test_visits_that_rest_as_bytes_go_on_as_if_they_had_not(steps):
    events, end = acted(steps)
    awake, resting = Visits(), Visits()
    for each in events:
        with patch.object(visit_store, "AWAKE", 0):
            resting.machine.save_changed()
            resting.machine.save_changed()
        assert not resting.machine.visits._awake
        assert resting.tell(each) == awake.tell(each)
        assert resting.visit() == awake.visit()
    assert resting.wait(end + DAY) == awake.wait(end + DAY)


def test_visits_rest_only_where_there_are_many_and_they_did_not_move(monkeypatch):
    monkeypatch.setattr(visit_store, "AWAKE", 2)
    visits = Visits()
    known = visits.machine.visits
    visits.tell(looked(0, "ann"), looked(0, "bob"))
    visits.machine.save_changed()
    visits.machine.save_changed()
    assert (len(known._awake), len(known._resting)) == (2, 0)
    assert [row.visitor for row in visits.machine.drain().features] == ["ann", "bob"]
    visits.tell(looked(1, "eve"))
    visits.machine.save_changed()
    assert [visitor for _, visitor in known._awake] == ["eve"]
    assert len(known) == len(everything_in(visits.rows)) == 3
    assert [row.visitor for row in visits.machine.drain().features] == ["eve"]


def test_visits_that_moved_are_handed_to_the_feature_store_once():
    visits = Visits()
    visits.tell(looked(0), looked(1), looked(2, "bob"))
    visits.machine.save_changed()
    visits.machine.save_changed()
    assert [row.visitor for row in visits.machine.drain().features] == ["ann", "bob"]


def test_after_a_restart_every_live_visit_goes_to_the_feature_store():
    visits = Visits()
    visits.tell(looked(0))
    after = Visits.resumed(visits.rows.snapshot())
    after.machine.save_changed()
    assert [row.visitor for row in after.machine.drain().features] == ["ann"]


def test_the_share_of_a_name_is_even():
    shares = sorted(share_of("sample", str(n)) for n in range(1000))
    assert shares == pytest.approx([n / 1000 for n in range(1000)], abs=0.06)
