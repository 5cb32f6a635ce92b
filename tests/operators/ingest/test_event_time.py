"""How far event time has come, whatever a minority of clocks claims."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.ingest.event_time import RobustTime
from operators.streaming.watermark import NEVER
from tests.builders import DAY, OFTEN

VISITORS = 64


def stream(seed, wrong, *, visitors=200, events=3000):
    """(visitor, claimed time, true time) once a second; a share of the visitors have wrong clocks."""
    rng = random.Random(seed)
    off = {number: rng.uniform(-DAY, DAY) for number in range(visitors) if rng.random() < wrong}
    for at in range(events):
        number = rng.randrange(visitors)
        yield f"v{number}", at + off.get(number, 0.0), float(at)


@pytest.mark.parametrize("wrong", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(20))
def test_time_is_near_the_truth_though_a_fifth_of_the_clocks_are_wrong(seed, wrong):
    time = RobustTime(visitors=VISITORS)
    for visitor, claimed_s, true_s in stream(seed, wrong):
        time.observe(visitor, claimed_s)
        assert time.time_s <= true_s
        if true_s > 200:
            assert time.time_s > true_s - 150


def test_one_clock_minutes_ahead_moves_nothing():
    time, alone = RobustTime(visitors=VISITORS), RobustTime(visitors=VISITORS)
    for number in range(3000):
        visitor, at_s = f"v{number % 100}", float(number)
        time.observe(visitor, at_s + 240.0 if visitor == "v7" else at_s)
        alone.observe(visitor, at_s)
        assert time.time_s <= alone.time_s + 1


def test_there_is_no_time_before_enough_visitors_or_many_events_have_come():
    time = RobustTime(visitors=4)
    for at in range(63):
        time.observe("ann" if at % 2 else "bob", float(at))
        assert time.time_s == NEVER
    time.observe("ann", 63.0)
    assert time.time_s == 62.0
    time = RobustTime(visitors=4)
    for at, visitor in enumerate("abcd"):
        time.observe(visitor, float(at))
    assert time.time_s == 1.0


events = st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 1e9)), max_size=80)


@OFTEN
@given(events, events)
def test_time_never_goes_back_and_resumes_where_it_was(first, then):
    one = RobustTime(visitors=4)
    for visitor, at_s in first:
        before_s = one.time_s
        one.observe(visitor, at_s)
        assert one.time_s >= before_s
    latest, observed, time_s = one.state()
    other = RobustTime(visitors=4, latest=latest, observed=observed, time_s=time_s)
    for visitor, at_s in then:
        one.observe(visitor, at_s)
        other.observe(visitor, at_s)
    assert one.state() == other.state()
    assert len(one.state()[0]) <= 4
