"""Outcomes wait until those of the same moments are known too, then come in the order of their moments."""

import math
import pickle
import random

from operators.abandonment import label_delay as settling
from operators.abandonment.drift import Watch
from operators.abandonment.label_delay import Settling, When

GAP = 1800.0


def test_outcomes_come_in_the_order_of_their_moments_once_they_are_settled():
    held = Settling(2700.0)
    assert held.take(True, When(0.0, 1800.0)) == []
    assert held.take(False, When(100.0, 300.0)) == []
    assert held.take(True, When(2000.0, 2750.0)) == [True]
    assert held.take(True, When(3000.0, 4800.0)) == [False, True]


def test_an_outcome_that_comes_later_than_it_could_be_waited_for_comes_at_once():
    held = Settling(2700.0)
    assert held.take(True, When(5000.0, 6800.0)) == []
    assert held.take(False, When(100.0, 6900.0)) == [False]


def test_who_does_not_wait_takes_outcomes_as_they_become_known():
    held = Settling(0.0)
    assert held.take(True, When(900.0, 2700.0)) == [True]
    assert held.take(False, When(100.0, 2800.0)) == [False]


def test_no_more_are_held_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(settling, "MOST", 3)
    held = Settling(math.inf)
    let_go = [held.take(at == 0, When(float(at), float(at))) for at in range(5)]
    assert let_go == [[], [], [], [True], [False]]


def shop_that_opens_and_closes(carts=1500, seed=1, every_s=6.0):
    """Outcomes of a steady shop as they become known: purchases soon, carts left behind after a gap."""
    chance = random.Random(seed)
    outcomes = []
    for cart in range(carts):
        moment_s, left = cart * every_s, chance.random() < 0.7
        known_s = moment_s + chance.expovariate(1 / 120.0) + GAP * left
        outcomes.append((known_s, moment_s, left))
    return [(left, When(moment_s, known_s)) for known_s, moment_s, left in sorted(outcomes)]


def rates(watch, outcomes):
    return [
        drift for left, when in outcomes for drift in watch.observe(0.7, left, {}, treated=True, when=when)
    ]


def test_a_shop_that_opens_and_closes_has_a_steady_base_rate():
    outcomes = shop_that_opens_and_closes()
    assert rates(Watch(1.5 * GAP), outcomes) == []
    assert len(rates(Watch(), outcomes)) == 1


def test_a_watch_taken_up_again_holds_what_it_held():
    outcomes = [*shop_that_opens_and_closes(), *((True, When(9e3 + at, 2e4 + at)) for at in range(200))]
    whole, watch, parted = rates(Watch(1.5 * GAP), outcomes), Watch(1.5 * GAP), []
    for at, outcome in enumerate(outcomes):
        if at % 200 == 0:
            watch = pickle.loads(pickle.dumps(watch))
        parted += rates(watch, [outcome])
    assert parted == whole != []
