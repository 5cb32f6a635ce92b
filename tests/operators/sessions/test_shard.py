"""A shard of visitors: time from several partitions, buffered events, state that goes on."""

import math
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.sessions.shard import SAVE_EVERY_S, Shard, shard_in
from operators.streaming.ids import SHARDS
from operators.streaming.messages import Moment, ShardBatch
from tests.builders import (
    HOUR,
    OFTEN,
    T0,
    carted,
    checkout,
    kinds,
    looked,
    ordered,
    removed,
    session_settings,
    struct,
    viewed,
)
from tests.rows import DictRows, everything_in


def shard(*parts, ordered=False, **given):
    return Shard(7, parts or ("a",), session_settings(), ordered=ordered, **given)


def batch(part, tick, *events, read=None):
    return ShardBatch(7, part, tuple(struct(event) for event in events), T0 + tick, read)


def test_a_shard_says_what_follows_and_then_its_time():
    said = shard().process([batch("a", 10, carted(0)), batch("a", 130)])
    assert kinds(said.events) == [("cart_changed", 0), ("cart_idle", 120)]
    assert said.watermark_s == T0 + 130


def test_no_cart_is_judged_idle_while_one_partition_is_behind():
    one = shard("a", "b")
    one.process([batch("a", 500, carted(0))])
    assert one.time_s == -math.inf
    assert one.process([batch("b", 100)]).events == ()
    assert kinds(one.process([batch("b", 200)]).events) == [("cart_idle", 120)]


def test_immediate_mode_processes_events_as_they_come_and_ordered_mode_in_their_order():
    told = batch("a", -5, carted(2)), batch("b", -5, carted(1, sku="sock"))
    assert kinds(shard("a", "b").process(told).events) == [("cart_changed", 2), ("cart_changed", 1)]
    one = shard("a", "b", ordered=True)
    assert one.process(told).events == ()
    assert one.figures()["buffered_events"] == 2
    said = one.process([batch("a", 10), batch("b", 10)])
    assert kinds(said.events) == [("cart_changed", 1), ("cart_changed", 2)]
    assert one.figures()["buffered_events"] == 0


def test_in_ordered_mode_timers_fire_between_events():
    one = shard(ordered=True)
    said = one.process([batch("a", 300, carted(0), carted(125, "bob"), looked(110, "bob"))])
    assert kinds(said.events) == [
        ("cart_changed", 0),
        ("cart_idle", 120),
        ("cart_changed", 125),
        ("cart_idle", 245),
    ]


def test_the_last_end_of_all_partitions_ends_every_visit():
    one = shard("a", "b")
    one.process([batch("a", math.inf, carted(0)), batch("b", 10, carted(5, "bob"))])
    said = one.process([batch("b", math.inf)])
    assert sorted(kinds(said.events, "abandoned")) == [("abandoned", 1800), ("abandoned", 1805)]
    assert said.watermark_s == math.inf
    assert one.figures() == {"visits": 0, "carts": 0, "timers": 0, "buffered_events": 0}


def test_moments_know_when_they_were_read():
    said = shard().process([batch("a", 1, carted(0), read=T0 + 9000.0), batch("a", 130, read=T0 + 9001.0)])
    assert [row.read_s - T0 for row in said.events if isinstance(row, Moment)] == [9000.0, 9001.0]


def test_figures_and_moved_visits_are_handed_on_once_in_a_while():
    one, figures, saved = shard(), 0, 0
    for at in range(100):
        said = one.process([batch("a", at, looked(at))])
        figures += said.figures is not None
        saved += len(said.features)
    assert figures == saved == 1 + 100 / SAVE_EVERY_S


def test_live_what_moved_is_saved_by_the_clock_by_which_it_is_read():
    one, saved = shard(), []
    for at in range(100):
        said = one.process([batch("a", 600 * at, looked(600 * at), read=T0 + at)])
        saved += [at] * (said.figures is not None)
    assert saved[1] - saved[0] <= SAVE_EVERY_S
    assert saved[1:] == list(range(saved[1], 100, 10))


def test_shards_save_in_turn():
    saved = Counter()
    for number in range(SHARDS):
        one = Shard(number, ["a"], session_settings(), ordered=False)
        for at in range(21):
            said = one.process([ShardBatch(number, "a", (), T0 + at)])
            saved[at] += said.figures is not None
    assert saved.pop(0) == SHARDS
    assert max(saved.values()) <= SHARDS / SAVE_EVERY_S + 1


def test_a_snapshot_holds_the_visits_that_moved_alone():
    one = shard(store=DictRows())
    one.process([batch("a", 10, looked(0, "ann"), looked(0, "bob"))])
    both = len(one.snapshot())
    one.process([batch("a", 11)])
    neither = len(one.snapshot())
    one.process([batch("a", 12, looked(12, "ann"))])
    assert neither < len(one.snapshot()) < both


def test_a_state_tells_its_shard():
    assert shard_in(shard().snapshot()) == 7


def test_a_state_of_another_format_is_refused_with_words():
    written = msgspec.msgpack.decode(shard().snapshot())
    with pytest.raises(ValueError, match="the state of shard 7 must be of format 4; got 5"):
        shard(state=msgspec.msgpack.encode([5, *written[1:]]))


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
        received = [batch(part, at, event)]
        said = one.process(received)
        if other is not None:
            assert other.process(received).events == said.events
    if other is None:
        other = shard("a", "b", ordered=in_order, state=one.snapshot())
    last = [batch("a", end + HOUR), batch("b", end + HOUR)]
    assert other.process(last).events == one.process(last).events
    assert other.snapshot() == one.snapshot()


@OFTEN
@given(told, st.lists(st.booleans(), min_size=12, max_size=12))
def test_in_ordered_mode_batches_and_partitions_do_not_change_what_is_said(steps, splits):
    events, end = acted(steps)
    alone, split = shard(ordered=True), shard("a", "b", ordered=True)
    everything = [batch("a", end + HOUR, *(event for _, _, event in events))]
    expected = alone.process(everything)
    rows, waiting = [], []
    for (at, part, event), now in zip(events, splits, strict=False):
        waiting.append(batch(part, at, event))
        if now:
            rows += split.process([*waiting, batch("a", at), batch("b", at)]).events
            waiting = []
    rows += split.process([*waiting, batch("b", end + HOUR), batch("a", end + HOUR)]).events
    assert rows == list(expected.events)
    assert everything_in(split._rows) == everything_in(alone._rows)
