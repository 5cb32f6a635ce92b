"""Late rewards: the value of an arm is what it earns in the end, not what comes soon."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from operators.bandits import EpsilonGreedy
from tests.builders import HOUR, Desk

WIN = 40.0
"""What an order of 100 earns at a margin rate of 0.4."""

CONTEXT = {"moment": "cart_idle", "cart_value": 50.0, "events": 3, "hour_sin": 0.5, "abandonment": 0.7}
NONE, TEN = "no_offer", "ten_percent"


class Forced(EpsilonGreedy):
    """Learns like epsilon-greedy, but chooses the arm that the test sets."""

    arm = TEN

    def choose(self, arms, context, seed, surcharges=None):
        del context, seed, surcharges
        return self.arm, dict.fromkeys(arms, 1.0 / len(arms))

    def value(self, arm):
        return self.values([arm], CONTEXT)[arm]


@dataclass(frozen=True)
class Cart:
    """When it is decided, the arm, seconds until an order (None: never), and whether the offer is seen."""

    at: float
    arm: str
    order: float | None = None
    shown: bool = False


def market(carts, until):
    """The policy of a market at a time; every reward window is an hour."""
    desk, policy = Desk(), Forced(seed=1)
    desk.machine.policy = policy
    happens: list[tuple[float, Callable[[], object]]] = []
    for number, cart in enumerate(carts):

        def decided(cart=cart, visitor=f"v{number}"):
            policy.arm = cart.arm
            records = desk.idle(cart.at, visitor)
            if cart.shown:
                desk.feedback("shown", cart.at + 1, records[0]["decision_id"], visitor)

        happens.append((cart.at, decided))
        if cart.order is not None:
            at = cart.at + cart.order
            happens.append((at, lambda at=at, visitor=f"v{number}": desk.order(at, visitor, price=100.0)))
    for at, happen in sorted(happens, key=lambda each: each[0]):
        if at <= until:
            desk.wait(at)
            happen()
    desk.wait(until)
    return policy


def oracle(carts):
    """A policy that learns at once what every decision earns in the end."""
    policy = Forced(seed=1)
    for cart in carts:
        policy.update(cart.arm, CONTEXT, WIN * (cart.order is not None))
    return policy


def at_once(carts, until):
    """A policy that learns a win as it comes and a loss when its window ends."""
    policy = Forced(seed=1)
    known = [(cart.at + (HOUR if cart.order is None else cart.order), cart) for cart in carts]
    for at, cart in sorted(known, key=lambda each: each[0]):
        if at <= until:
            policy.update(cart.arm, CONTEXT, WIN * (cart.order is not None))
    return policy


@pytest.fixture(scope="module")
def slow():
    """Carts over two days, whose orders take three hours on average and ten at most."""
    rng = random.Random(1)
    carts = []
    for number in range(900):
        arm = rng.choice([NONE, TEN])
        wins = rng.random() < (0.1 if arm == NONE else 0.2)
        delay = min(rng.expovariate(1 / (3 * HOUR)), 10 * HOUR)
        carts.append(Cart(number * 180.0, arm, delay if wins else None))
    return carts


def test_after_the_last_delay_each_arm_has_the_value_of_a_policy_that_learns_all_at_once(slow):
    policy, all_seen = market(slow, slow[-1].at + 11 * HOUR), oracle(slow)
    for arm in (NONE, TEN):
        assert policy.value(arm) == pytest.approx(all_seen.value(arm), rel=0.01)


def test_three_mean_delays_after_a_decision_nearly_all_is_learned(slow):
    policy, all_seen = market(slow, slow[-1].at + 9 * HOUR), oracle(slow)
    for arm in (NONE, TEN):
        assert policy.value(arm) == pytest.approx(all_seen.value(arm), rel=0.05)


def test_an_offer_without_effect_has_no_value_though_only_those_who_come_back_see_it():
    carts = []
    for number in range(800):
        pair, back = number // 2, number // 2 % 2 == 0
        wins = pair % 5 == 0 if back else pair % 20 == 1  # those who come back buy more often anyway
        arm = (NONE, TEN)[number % 2]
        carts.append(Cart(number * 60.0, arm, 600.0 if wins else None, shown=back and arm == TEN))
    policy = market(carts, carts[-1].at + 2 * HOUR)
    assert policy.value(TEN) - policy.value(NONE) == pytest.approx(0.0, abs=0.02 * WIN)
    shown = oracle([cart for cart in carts if cart.arm == NONE or cart.shown])
    assert shown.value(TEN) - shown.value(NONE) > 0.04 * WIN


def test_two_equal_arms_are_found_equal_while_the_share_of_one_rises():
    rising, decided = [], {NONE: 0, TEN: 0}
    for number in range(1440):
        # the share goes from zero to one in four hours, and every tenth decision of each arm earns
        arm = TEN if decided[TEN] < number * number / 2880 else NONE
        decided[arm] += 1
        rising.append(Cart(number * 10.0, arm, 300.0 if decided[arm] % 10 == 5 else None))
    now = rising[-1].at
    fair, hasty = market(rising, now), at_once(rising, now)
    assert fair.value(TEN) == pytest.approx(fair.value(NONE), rel=0.05)
    assert hasty.value(TEN) > 1.3 * hasty.value(NONE)
