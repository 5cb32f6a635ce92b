"""Timers in event time: taken in order, one a key."""

import math

from hypothesis import given
from hypothesis import strategies as st

from operators.streaming.timers import Timers
from tests.builders import OFTEN

keys, times = st.sampled_from("abcd"), st.integers(0, 20).map(float)


def test_timers_are_taken_in_order_of_time_and_then_of_key():
    timers = Timers()
    for key, due_s in (("c", 2.0), ("b", 1.0), ("a", 2.0)):
        timers.set(key, due_s)
    assert list(timers.due(math.inf)) == [(1.0, "b"), (2.0, "a"), (2.0, "c")]
    assert len(timers) == 0


def test_a_timer_due_at_the_very_time_is_not_yet_taken():
    timers = Timers()
    timers.set("a", 5.0)
    assert list(timers.due(5.0)) == []
    assert list(timers.due(math.nextafter(5.0, math.inf))) == [(5.0, "a")]


def test_a_timer_set_again_while_timers_are_taken_is_taken_in_its_turn():
    timers = Timers()
    timers.set("a", 1.0)
    timers.set("b", 2.0)
    taken = []
    for due_s, key in timers.due(10.0):
        taken.append((due_s, key))
        if key == "a" and due_s < 5.0:
            timers.set("a", due_s + 2.0)
    assert taken == [(1.0, "a"), (2.0, "b"), (3.0, "a"), (5.0, "a")]


def test_a_key_forgotten_and_set_later_again_is_taken_once_and_later():
    timers = Timers()
    timers.set("a", 5.0)
    timers.drop("a")
    timers.drop("nobody")
    timers.set("a", 9.0)
    assert list(timers.due(8.0)) == []
    assert list(timers.due(10.0)) == [(9.0, "a")]


@OFTEN
@given(st.lists(st.tuples(st.sampled_from(["set", "drop", "due"]), keys, times)))
def test_timers_keep_the_earliest_time_of_every_key(steps):
    timers, expected = Timers(), {}
    for step, key, at_s in steps:
        if step == "set":
            timers.set(key, at_s)
            expected[key] = min(at_s, expected.get(key, math.inf))
        elif step == "drop":
            timers.drop(key)
            expected.pop(key, None)
        else:
            gone = sorted((due_s, key) for key, due_s in expected.items() if due_s < at_s)
            assert list(timers.due(at_s)) == gone
            expected = {key: due_s for key, due_s in expected.items() if due_s >= at_s}
        assert len(timers) == len(expected)


def test_a_shopper_who_never_rests_costs_one_timer_not_one_a_click():
    timers = Timers()
    for second in range(10_000):
        for _, key in timers.due(float(second)):
            timers.set(key, second + 120.0)
        timers.set("ann", second + 120.0)
    assert len(timers._heap) <= 2
