"""Outcomes wait until those of the same moments are known too, then come in the order of their moments."""

import math
import pickle
import random

from operators.abandonment.drift import DriftMonitor
from operators.abandonment.label_delay import LabelDelay, OutcomeTimes

GAP = 1800.0


def test_outcomes_come_in_the_order_of_their_moments_once_they_are_released():
    delay = LabelDelay(2700.0)
    assert delay.observe(True, OutcomeTimes(0.0, 1800.0)) == []
    assert delay.observe(False, OutcomeTimes(100.0, 300.0)) == []
    assert delay.observe(True, OutcomeTimes(2000.0, 2750.0)) == [True]
    assert delay.observe(True, OutcomeTimes(3000.0, 4800.0)) == [False, True]


def test_an_outcome_that_comes_later_than_it_could_be_waited_for_comes_at_once():
    delay = LabelDelay(2700.0)
    assert delay.observe(True, OutcomeTimes(5000.0, 6800.0)) == []
    assert delay.observe(False, OutcomeTimes(100.0, 6900.0)) == [False]


def test_without_a_delay_outcomes_come_as_they_become_known():
    delay = LabelDelay(0.0)
    assert delay.observe(True, OutcomeTimes(900.0, 2700.0)) == [True]
    assert delay.observe(False, OutcomeTimes(100.0, 2800.0)) == [False]


def test_no_more_are_held_than_there_is_room_for():
    delay = LabelDelay(math.inf, most=3)
    released = [delay.observe(at == 0, OutcomeTimes(float(at), float(at))) for at in range(5)]
    assert released == [[], [], [], [True], [False]]


def shop_that_opens_and_closes(carts=1500, seed=1, every_s=6.0):
    """Outcomes of a steady shop as they become known: purchases soon, carts left behind after a gap."""
    chance = random.Random(seed)
    outcomes = []
    for cart in range(carts):
        moment_s, left = cart * every_s, chance.random() < 0.7
        known_s = moment_s + chance.expovariate(1 / 120.0) + GAP * left
        outcomes.append((known_s, moment_s, left))
    return [(left, OutcomeTimes(moment_s, known_s)) for known_s, moment_s, left in sorted(outcomes)]


def base_rate_drifts(monitor, outcomes):
    return [
        drift
        for left, times in outcomes
        for drift in monitor.observe(0.7, left, {}, treated=True, times=times)
    ]


def test_a_shop_that_opens_and_closes_has_a_steady_base_rate():
    outcomes = shop_that_opens_and_closes()
    assert base_rate_drifts(DriftMonitor(1.5 * GAP), outcomes) == []
    assert len(base_rate_drifts(DriftMonitor(), outcomes)) == 1


def test_a_monitor_that_is_loaded_again_holds_what_it_held():
    outcomes = [
        *shop_that_opens_and_closes(),
        *((True, OutcomeTimes(9e3 + at, 2e4 + at)) for at in range(200)),
    ]
    whole, monitor, parted = base_rate_drifts(DriftMonitor(1.5 * GAP), outcomes), DriftMonitor(1.5 * GAP), []
    for at, outcome in enumerate(outcomes):
        if at % 200 == 0:
            monitor = pickle.loads(pickle.dumps(monitor))
        parted += base_rate_drifts(monitor, [outcome])
    assert parted == whole != []
