"""Sums over time in a bounded number of steps, whatever the order and the span."""

import random
from datetime import UTC, datetime

from flows.studies.report.timeline import Timeline


def test_steps_stay_few_and_nothing_is_lost():
    rng, timeline = random.Random(1), Timeline(50)
    for _ in range(5000):
        timeline.add(1.7e9 + rng.expovariate(1e-5), "a", 2.0)
    steps = list(timeline.steps())
    assert 10 < len(steps) <= 50
    assert sum(sums["a"] for _, sums in steps) == 10_000.0
    assert [at for at, _ in steps] == sorted(at for at, _ in steps)


def test_the_order_of_moments_changes_nothing():
    rng = random.Random(2)
    moments = [1.7e9 + rng.uniform(0, 1e6) for _ in range(300)]
    one, other = Timeline(20), Timeline(20)
    for at_s in moments:
        one.add(at_s, "a")
    for at_s in sorted(moments, reverse=True):
        other.add(at_s, "a")
    assert list(one.steps()) == list(other.steps())


def test_a_few_minutes_have_steps_of_a_minute():
    timeline = Timeline(50)
    for at_s in (0.0, 59.0, 60.0):
        timeline.add(at_s, "a")
    at = [datetime(1970, 1, 1, 0, minute, 30, tzinfo=UTC) for minute in (0, 1)]
    assert list(timeline.steps()) == [(at[0], {"a": 2.0}), (at[1], {"a": 1.0})]


def test_distant_times_take_few_steps():
    timeline = Timeline(10)
    timeline.add(0.0, "a")
    timeline.add(4e9, "a")
    assert len(list(timeline.steps())) == 2
