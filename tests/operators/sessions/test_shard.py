"""A shard of visitors: time from several partitions, held facts, state that goes on."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.sessions.shard import SAVED_EVERY_S, Shard, shard_in
from operators.streaming.messages import Moment, ShardBatch
from tests.builders import (
    HOUR,
    OFTEN,
    T0,
    carted,
    checkout,
    fact,
    kinds,
    looked,
    ordered,
    removed,
    viewed,
    visit_settings,
)


def shard(*parts, ordered=False, state=None):
    return Shard(7, parts or ("a",), visit_settings(), ordered=ordered, state=state)


def parcel(part, tick, *events, read=None):
    return ShardBatch(7, part, tuple(fact(event) for event in events), T0 + tick, read)


def test_a_shard_says_what_follows_and_then_its_time():
    said = shard().take([parcel("a", 10, carted(0)), parcel("a", 130)])
    assert kinds(said.rows) == [("cart_changed", 0), ("cart_idle", 120)]
    assert said.tick_s == T0 + 130


def test_no_cart_is_judged_idle_while_one_partition_is_behind():
    one = shard("a", "b")
    one.take([parcel("a", 500, carted(0))])
    assert one.time_s == -math.inf
    assert one.take([parcel("b", 100)]).rows == ()
    assert kinds(one.take([parcel("b", 200)]).rows) == [("cart_idle", 120)]


def test_immediate_mode_takes_facts_as_they_come_and_ordered_mode_in_their_order():
    told = parcel("a", -5, carted(2)), parcel("b", -5, carted(1, sku="sock"))
    assert kinds(shard("a", "b").take(told).rows) == [("cart_changed", 2), ("cart_changed", 1)]
    one = shard("a", "b", ordered=True)
    assert one.take(told).rows == ()
    assert one.figures()["buffered_events"] == 2
    said = one.take([parcel("a", 10), parcel("b", 10)])
    assert kinds(said.rows) == [("cart_changed", 1), ("cart_changed", 2)]
    assert one.figures()["buffered_events"] == 0


def test_in_ordered_mode_timers_fire_between_facts():
    one = shard(ordered=True)
    said = one.take([parcel("a", 300, carted(0), carted(125, "bob"), looked(110, "bob"))])
    assert kinds(said.rows) == [
        ("cart_changed", 0),
        ("cart_idle", 120),
        ("cart_changed", 125),
        ("cart_idle", 245),
    ]


def test_the_last_end_of_all_partitions_ends_every_visit():
    one = shard("a", "b")
    one.take([parcel("a", math.inf, carted(0)), parcel("b", 10, carted(5, "bob"))])
    said = one.take([parcel("b", math.inf)])
    assert sorted(kinds(said.rows, "abandoned")) == [("abandoned", 1800), ("abandoned", 1805)]
    assert said.tick_s == math.inf
    assert one.figures() == {"visits": 0, "carts": 0, "timers": 0, "buffered_events": 0}


def test_moments_know_when_they_were_read():
    said = shard().take([parcel("a", 1, carted(0), read=T0 + 9000.0), parcel("a", 130, read=T0 + 9001.0)])
    assert [row.read_s - T0 for row in said.rows if isinstance(row, Moment)] == [9000.0, 9001.0]


def test_figures_and_moved_visits_are_handed_on_once_in_a_while():
    one, figures, saved = shard(), 0, 0
    for at in range(100):
        said = one.take([parcel("a", at, looked(at))])
        figures += said.figures is not None
        saved += len(said.visits)
    assert figures == saved == 100 / SAVED_EVERY_S


def test_a_shard_that_did_not_move_is_not_encoded_again():
    one = shard()
    one.take([parcel("a", 10, looked(0))])
    one.snapshot()
    encoded = one._live
    one.take([parcel("a", 11)])
    assert one.snapshot() != b""
    assert one._live is encoded
    one.take([parcel("a", 12, looked(12))])
    one.snapshot()
    assert one._live != encoded


def test_a_state_tells_its_shard():
    assert shard_in(shard().snapshot()) == 7


def test_a_state_of_another_format_is_refused_with_words():
    written = msgspec.msgpack.decode(shard().snapshot())
    with pytest.raises(ValueError, match="the state of shard 7 must be of format 1; got 2"):
        shard(state=msgspec.msgpack.encode([2, *written[1:]]))


told = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 60, 121, 1799, 1801]),
        st.sampled_from([looked, viewed, carted, removed, checkout, ordered]),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from("ab"),
    ),
    max_size=12,
)


def acted(steps):
    """What happened, in order of time, with the partition that tells it."""
    at, events = 0.0, []
    for place, (wait, what, who, part) in enumerate(steps):
        at += wait
        events.append((at, part, what(at, visitor=who, id=f"{place:03d}")))
    return events, at


@OFTEN
@given(told, st.integers(0, 12), st.booleans())
def test_a_shard_written_down_at_any_point_goes_on_as_if_it_had_not_been(steps, cut, in_order):
    events, end = acted(steps)
    one, other = shard("a", "b", ordered=in_order), None
    for place, (at, part, event) in enumerate(events):
        if place == cut:
            other = shard("a", "b", ordered=in_order, state=one.snapshot())
        batch = [parcel(part, at, event)]
        said = one.take(batch)
        if other is not None:
            assert other.take(batch).rows == said.rows
    if other is None:
        other = shard("a", "b", ordered=in_order, state=one.snapshot())
    last = [parcel("a", end + HOUR), parcel("b", end + HOUR)]
    assert other.take(last).rows == one.take(last).rows
    assert other.snapshot() == one.snapshot()


@OFTEN
@given(told, st.lists(st.booleans(), min_size=12, max_size=12))
def test_in_ordered_mode_batches_and_partitions_do_not_change_what_is_said(steps, splits):
    events, end = acted(steps)
    alone, split = shard(ordered=True), shard("a", "b", ordered=True)
    everything = [parcel("a", end + HOUR, *(event for _, _, event in events))]
    expected = alone.take(everything)
    rows, waiting = [], []
    for (at, part, event), now in zip(events, splits, strict=False):
        waiting.append(parcel(part, at, event))
        if now:
            rows += split.take([*waiting, parcel("a", at), parcel("b", at)]).rows
            waiting = []
    rows += split.take([*waiting, parcel("b", end + HOUR), parcel("a", end + HOUR)]).rows
    assert rows == list(expected.rows)
    assert split._sessions.live() == alone._sessions.live()
