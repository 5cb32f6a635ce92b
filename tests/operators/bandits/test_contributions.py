"""What each feature adds to the difference of two arms adds up to that difference."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.bandits import EpsilonGreedy, LinearThompson, LinUCB, SquareCB, build, loads
from tests.builders import OFTEN

ARMS = ["no_offer", "ten_percent", "free_shipping"]
LINEAR = [LinearThompson, LinUCB, SquareCB, EpsilonGreedy]


def shopper(rng):
    found = {"cart": rng.gauss(60.0, 20.0), "device": rng.choice(["phone", "desk"])}
    return found | ({"visits": float(rng.randrange(9))} if rng.random() < 0.7 else {})


def shoppers(number):
    rng = random.Random(2)
    return [shopper(rng) for _ in range(number)]


def trained(kind, updates=300, **settings):
    policy, rng = kind(seed=1, **settings), random.Random(1)
    for context in shoppers(updates):
        arm = rng.choice(ARMS)
        policy.update(arm, context, rng.gauss(0.1 * context["cart"] * ARMS.index(arm), 1.0))
    return policy


THOMPSON = trained(LinearThompson)
VALUES = st.one_of(st.none(), st.floats(), st.integers(-1000, 1000), st.sampled_from(["phone", "desk", "tv"]))


@OFTEN
@given(
    st.dictionaries(st.sampled_from(["cart", "device", "visits", "new"]), VALUES),
    st.sampled_from([*ARMS, "new"]),
    st.sampled_from([*ARMS, "new"]),
)
def test_they_add_up_to_the_difference_of_the_values(context, arm, other):
    constant, features = THOMPSON.contributions(arm, other, context)
    values = THOMPSON.values(list({arm, other}), context)
    difference = values[arm] - values[other]
    size = max(1.0, abs(constant), *map(abs, features.values()))
    assert constant + math.fsum(features.values()) == pytest.approx(difference, abs=1e-9 * size)


@pytest.mark.parametrize("kind", LINEAR)
def test_every_linear_policy_says_what_it_expects_with_its_uncertainty(kind):
    policy = trained(kind)
    context = {"cart": 90.0, "device": "phone"}
    estimates = policy.estimates([*ARMS, "new"], context)
    assert {arm: mean for arm, (mean, _) in estimates.items()} == policy.values([*ARMS, "new"], context)
    assert 0.0 < estimates["ten_percent"][1] < estimates["new"][1]
    assert policy.contributions("ten_percent", "no_offer", context)[1]["cart"] > 0.0


def test_features_are_compared_with_their_means_over_the_updates():
    policy = trained(LinearThompson, half_life=None)
    mean = sum(each["cart"] for each in shoppers(300)) / 300
    _, features = policy.contributions("free_shipping", "no_offer", {"cart": mean, "device": "phone"})
    assert features["cart"] == pytest.approx(0.0, abs=1e-9)
    _, features = policy.contributions("free_shipping", "no_offer", {"cart": mean + 50.0, "device": "phone"})
    assert features["cart"] == pytest.approx(10.0, rel=0.1)


def test_a_restored_policy_says_the_same():
    context = {"cart": 90.0, "device": "phone"}
    restored = loads(THOMPSON.dumps())
    for ask in (
        lambda policy: policy.contributions("ten_percent", "no_offer", context),
        lambda policy: policy.estimates(ARMS, context),
    ):
        assert ask(restored) == ask(THOMPSON)


@pytest.mark.parametrize("name", ["adpredictor_thompson", "uniform", "always:ten_percent"])
def test_policies_that_expect_no_money_have_none(name):
    policy = build(name, seed=1)
    policy.update("ten_percent", {"cart": 1.0}, 1.0)
    assert policy.estimates(ARMS, {"cart": 1.0}) == {}
    assert policy.contributions("ten_percent", "no_offer", {"cart": 1.0}) is None
