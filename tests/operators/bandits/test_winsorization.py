"""A reward out of all proportion trains a policy with no more than what is usual."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.bandits import POLICIES, LinearThompson, build, loads
from operators.bandits.winsorization import Winsorizer, WinsorSettings, clip
from schemas.errors import SetupError

ARMS = ["no_offer", "a", "best"]
EARNS = {"no_offer": 10.0, "a": 8.0, "best": 14.0}
LINEAR = sorted(set(POLICIES) - {"adpredictor_thompson"})
CONTEXT = {"cart_value": 60.0, "events": 20, "device": "m"}


def shopper(rng):
    return {
        "cart_value": 20.0 + 80.0 * rng.random(),
        "events": rng.randrange(1, 40),
        "device": rng.choice("md"),
    }


def earned(rng):
    """What most carts earn is nothing, and orders are lognormal."""
    return 10.0 * rng.lognormvariate(0.0, 1.5) if rng.random() < 0.15 else 0.0


def trained(name, wild=None, updates=240, **settings):
    """A policy after rewards of which some, by their number, are replaced by an arm and a reward."""
    policy, rng = build(name, seed=1, **settings), random.Random(3)
    for turn in range(updates):
        context = shopper(rng)
        arm, _ = policy.choose(ARMS, context, turn)
        reward = EARNS[arm] + rng.gauss(0.0, 6.0)
        arm, reward = (wild or {}).get(turn, (arm, reward))
        policy.update(arm, context, reward)
    return policy


def best(policy):
    return policy.probabilities(ARMS, CONTEXT)["best"]


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize(("arm", "reward"), [("a", 5e3), ("no_offer", 1e15), ("best", -5e3), ("best", -1e15)])
def test_one_wild_reward_does_not_turn_a_policy_round(name, arm, reward):
    usual = best(trained(name))
    assert usual > 0.9
    assert best(trained(name, {200: (arm, reward)})) > usual - 0.03
    if reward > 0.0:
        assert best(trained(name, {200: (arm, reward)}, winsorize=None)) < 0.9


@pytest.mark.parametrize("name", LINEAR)
def test_one_wild_reward_in_a_hundred_does_not_turn_a_policy_round(name):
    wild = {turn: (ARMS[turn // 100 % 2], 5e3) for turn in range(80, 600, 100)}
    usual = best(trained(name, updates=620))
    assert best(trained(name, wild, updates=620)) > usual - 0.03
    assert best(trained(name, wild, updates=620, winsorize=None)) < 0.5


def choices(name, unit):
    policy, rng, found = build(name, seed=1), random.Random(3), []
    for turn in range(300):
        context = shopper(rng)
        arm, _ = policy.choose(ARMS, context, turn)
        found.append((arm, policy.update(arm, context, unit * earned(rng)) / unit))
    return found


@pytest.mark.parametrize("name", LINEAR)
def test_the_unit_of_rewards_does_not_matter(name):
    (arms, rewards), (same, alike) = (zip(*choices(name, unit), strict=True) for unit in (1.0, 100.0))
    assert arms == same
    assert alike == pytest.approx(rewards)


def winsorizer(rewards, **settings):
    found = Winsorizer(WinsorSettings(**settings))
    for reward in rewards:
        found.observe(reward)
    return found


def capped(winsorizer, reward):
    return clip(reward, winsorizer.bounds())


def test_the_first_rewards_are_not_capped():
    assert capped(winsorizer(range(31)), 1e9) == 1e9
    assert capped(winsorizer(range(32)), 1e9) < 100.0
    assert capped(winsorizer([0.0] * 300), 1e9) == 1e9


def test_orders_are_usual_however_many_carts_earn_nothing_and_whatever_an_offer_costs():
    rng = random.Random(1)
    rewards = [
        rng.uniform(20.0, 60.0) if rng.random() < 0.05 else rng.choice([0.0, -0.08]) for _ in range(2000)
    ]
    found = winsorizer(rewards)
    assert [capped(found, reward) for reward in rewards] == rewards
    assert capped(found, 4000.0) < 300.0
    assert capped(found, -4000.0) > -300.0


def test_a_shift_of_all_rewards_shifts_what_they_are_capped_at():
    rng = random.Random(2)
    rewards = [earned(rng) for _ in range(500)]
    bounds = winsorizer(rewards).bounds()
    assert winsorizer([reward + 7.0 for reward in rewards]).bounds() == pytest.approx(
        [each + 7.0 for each in bounds]
    )


def test_rewards_of_few_values_are_bounded_too():
    found = winsorizer([0.0, 1.0] * 200)
    assert (capped(found, 1.0), capped(found, 500.0), capped(found, -500.0)) == (1.0, 4.0, -4.0)


def test_a_level_that_rises_is_followed_within_a_quarter_of_the_window():
    rng, found = random.Random(1), Winsorizer(WinsorSettings())
    for _ in range(1000):
        found.observe(rng.gauss(10.0, 6.0))
    doubled = [rng.gauss(20.0, 12.0) for _ in range(100)]
    assert sum(capped(found, reward) != reward for reward in doubled) < 10
    for _ in range(64):
        found.observe(rng.gauss(100.0, 60.0))
    assert all(capped(found, reward) == reward for reward in (100.0, 200.0, 300.0))


rewards = st.floats(-1e6, 1e6)


@given(reward=rewards, change=rewards, name=st.sampled_from(LINEAR))
def test_a_reward_that_is_revised_trains_as_if_it_had_been_right_at_once(reward, change, name):
    known = SNAPSHOTS[name]
    late, right = loads(known), loads(known)
    first = late.update("a", CONTEXT, reward)
    second = late.revise("a", CONTEXT, change)
    assert first + second == pytest.approx(right.update("a", CONTEXT, reward + change), abs=1e-9)
    assert late.values(ARMS, CONTEXT) == pytest.approx(right.values(ARMS, CONTEXT), rel=1e-6, abs=1e-6)


SNAPSHOTS = {name: trained(name, updates=100).dumps() for name in LINEAR}


@pytest.mark.parametrize("remembered", [True, False])
def test_a_refund_of_a_capped_order_leaves_no_less_than_the_true_reward(remembered):
    policy, rng = trained("linear_thompson", updates=200, revisable=10), random.Random(5)
    without = policy.values(ARMS, CONTEXT)["a"]
    capped = policy.update("a", CONTEXT, 30_000.0)
    assert capped < 60.0
    for _ in range(0 if remembered else 20):
        policy.update("best", shopper(rng), 14.0)
    policy.revise("a", CONTEXT, -30_000.0 + 8.0)
    floor = 0.5 if remembered else 10.0
    assert policy.values(ARMS, CONTEXT)["a"] > without - floor


def test_a_restored_policy_has_the_same_bounds():
    policy = trained("squarecb", {40: ("a", 1e9)}, updates=400)
    again = loads(policy.dumps())
    for reward in (1e9, -1e9, 50.0, 12.0):
        assert again.update("a", CONTEXT, reward) == policy.update("a", CONTEXT, reward)
    assert again.dumps() == policy.dumps()


def test_what_is_kept_is_bounded_by_the_window():
    rng = random.Random(1)
    found = winsorizer((rng.choice([0.0, rng.random()]) for _ in range(3000)), window=50, repeats=3)
    assert len(found.recent) == len(found.ordered) == sum(found.counts.values()) == 50
    assert max(found.counts.values()) <= 3
    assert found.ordered == sorted(found.recent)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"winsorize": 0.5}, r"winsorize must be a quantile between 0\.5 and 1, or None; got 0\.5"),
        ({"winsorize": 1.0}, r"winsorize must be a quantile between 0\.5 and 1, or None; got 1\.0"),
        ({"winsorize_margin": 0.5}, r"winsorize_margin must be a finite number of at least 1; got 0\.5"),
    ],
)
def test_bounds_out_of_range_are_refused(setting, words):
    with pytest.raises(SetupError, match=words):
        LinearThompson(seed=1, **setting)
