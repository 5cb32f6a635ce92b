"""The time of a station: the least of what its inputs have promised."""

import math

from hypothesis import given
from hypothesis import strategies as st

from operators.streaming.watermark import NEVER, Watermark
from tests.builders import OFTEN

ticks = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=30)


def test_a_station_has_no_time_until_every_input_has_spoken():
    clock = Watermark(["a", "b"])
    assert not clock.advance("a", 5.0)
    assert clock.time_s == NEVER
    assert clock.advance("b", 3.0)
    assert clock.time_s == 3.0


@OFTEN
@given(ticks)
def test_time_is_the_least_promise_and_says_truly_whether_it_moved(said):
    clock = Watermark("abc")
    greatest = dict.fromkeys("abc", NEVER)
    for source, tick_s in said:
        greatest[source] = max(greatest[source], tick_s)
        before = clock.time_s
        assert clock.advance(source, tick_s) == (min(greatest.values()) > before)
        assert clock.time_s == min(greatest.values())


@OFTEN
@given(ticks, ticks)
def test_time_goes_on_after_a_restart_as_if_there_had_been_none(first, then):
    one, other = Watermark("abc"), Watermark("abc")
    for source, tick_s in first:
        one.advance(source, tick_s)
    other.restore(one.promises(), one.time_s)
    for source, tick_s in then:
        assert one.advance(source, tick_s) == other.advance(source, tick_s)
    assert (one.promises(), one.time_s) == (other.promises(), other.time_s)


def test_time_goes_on_when_the_slowest_input_is_gone_after_a_restart():
    clock = Watermark(["a", "b"])
    clock.advance("a", 100.0)
    clock.advance("b", 50.0)
    after = Watermark(["a"])
    after.restore(clock.promises(), clock.time_s)
    assert after.time_s == 100.0
    assert after.advance("a", 101.0)
    assert after.time_s == 101.0


def test_a_new_input_holds_time_where_it_was_until_it_speaks():
    clock = Watermark(["a"])
    clock.advance("a", 100.0)
    after = Watermark(["a", "new"])
    after.restore(clock.promises(), clock.time_s)
    assert not after.advance("a", 200.0)
    assert after.time_s == 100.0
    assert not after.advance("new", 90.0)
    assert after.advance("new", 150.0)
    assert after.time_s == 150.0


def test_an_input_nobody_knows_is_not_heard():
    clock = Watermark(["a"])
    assert not clock.advance("b", 5.0)
    assert clock.promises() == {"a": NEVER}


def test_an_input_that_has_ended_holds_nobody_up():
    clock = Watermark(["a", "b"])
    clock.advance("a", math.inf)
    assert clock.advance("b", 7.0)
    assert clock.time_s == 7.0
