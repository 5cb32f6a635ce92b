"""The time of a station: the least watermark of its inputs."""

import math

from hypothesis import given
from hypothesis import strategies as st

from operators.streaming.watermark import NEVER, Watermark
from tests.builders import OFTEN

watermarks = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=30)


def test_a_station_has_no_time_until_every_input_has_one():
    clock = Watermark(["a", "b"])
    assert not clock.advance("a", 5.0)
    assert clock.time_s == NEVER
    assert clock.advance("b", 3.0)
    assert clock.time_s == 3.0


@OFTEN
@given(watermarks)
def test_time_is_the_least_watermark_and_reports_whether_it_moved(advances):
    clock = Watermark("abc")
    greatest = dict.fromkeys("abc", NEVER)
    for source, watermark_s in advances:
        greatest[source] = max(greatest[source], watermark_s)
        before = clock.time_s
        assert clock.advance(source, watermark_s) == (min(greatest.values()) > before)
        assert clock.time_s == min(greatest.values())


@OFTEN
@given(watermarks, watermarks)
def test_time_goes_on_after_a_restart_as_if_there_had_been_none(first, then):
    one, other = Watermark("abc"), Watermark("abc")
    for source, watermark_s in first:
        one.advance(source, watermark_s)
    other.restore(one.inputs(), one.time_s)
    for source, watermark_s in then:
        assert one.advance(source, watermark_s) == other.advance(source, watermark_s)
    assert (one.inputs(), one.time_s) == (other.inputs(), other.time_s)


def test_time_goes_on_when_the_slowest_input_is_gone_after_a_restart():
    clock = Watermark(["a", "b"])
    clock.advance("a", 100.0)
    clock.advance("b", 50.0)
    after = Watermark(["a"])
    after.restore(clock.inputs(), clock.time_s)
    assert after.time_s == 100.0
    assert after.advance("a", 101.0)
    assert after.time_s == 101.0


def test_a_new_input_holds_time_where_it_was_until_it_has_a_watermark():
    clock = Watermark(["a"])
    clock.advance("a", 100.0)
    after = Watermark(["a", "new"])
    after.restore(clock.inputs(), clock.time_s)
    assert not after.advance("a", 200.0)
    assert after.time_s == 100.0
    assert not after.advance("new", 90.0)
    assert after.advance("new", 150.0)
    assert after.time_s == 150.0


def test_an_unknown_input_is_ignored():
    clock = Watermark(["a"])
    assert not clock.advance("b", 5.0)
    assert clock.inputs() == {"a": NEVER}


def test_an_input_that_has_ended_holds_nobody_up():
    clock = Watermark(["a", "b"])
    clock.advance("a", math.inf)
    assert clock.advance("b", 7.0)
    assert clock.time_s == 7.0
