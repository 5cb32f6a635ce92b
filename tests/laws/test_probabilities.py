"""Law 7: probabilities are honest. They are those by which the arm was chosen."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from operators.bandits import POLICIES, build
from tests.laws.lessons import ARMS, cart, taught
from tests.laws.shopping import SHOP, decisions_in, log, loop, messages, settings

CHOICES = 6000
UNLIKELY = {1: 15.1, 2: 18.4, 3: 21.1}
"""Chi-square by degrees of freedom, exceeded by chance once in ten thousand times."""


@pytest.fixture(scope="module", params=sorted(POLICIES))
def decided(request):
    """The name of a policy and all decisions of a log taken with it."""
    said, _ = loop(messages(log(seed=9, visitors=90)), settings(policy=request.param))
    return request.param, decisions_in(said)


def test_every_decision_covers_exactly_its_eligible_arms_and_its_propensity_is_that_of_its_arm(decided):
    name, decisions = decided
    floor = build(name, seed=0).floor
    assert len(decisions) > 60
    assert {decision["arm"] for decision in decisions} == set(ARMS)
    for decision in decisions:
        eligible, chances = decision["eligible"], decision["probabilities"]
        assert list(chances) == eligible
        assert eligible[0] == "no_offer"
        assert sum(chances.values()) == pytest.approx(1.0, abs=1e-9)
        assert min(chances.values()) >= floor / len(eligible) - 1e-12
        assert decision["propensity"] == chances[decision["arm"]] > 0
        assert decision["policy"] == name
        assert decision["removed"].keys() | set(eligible) == {"no_offer", *offers_of(decision["market"])}
        assert not decision["removed"].keys() & set(eligible)
        assert decision["holdout"] == (decision["reason"] == "holdout")
        if decision["holdout"]:
            assert chances == {"no_offer": 1.0}


def offers_of(market):
    return [offer.name for offer in SHOP.arms(market)]


def test_the_arms_of_a_whole_log_are_as_frequent_as_their_probabilities_say(decided):
    _, decisions = decided
    chosen = [decision for decision in decisions if decision["is_trainable"]]
    for arm in ARMS:
        chances = [decision["probabilities"].get(arm, 0.0) for decision in chosen]
        spread = sum(chance * (1 - chance) for chance in chances) ** 0.5
        difference = sum(decision["arm"] == arm for decision in chosen) - sum(chances)
        assert abs(difference) < 4 * spread + 1


@pytest.fixture(scope="module", params=sorted(POLICIES))
def policy(request):
    return taught(build(request.param, seed=3), 40)


@pytest.mark.parametrize("arms", [ARMS, ARMS[:2], [*ARMS[1:], "new"]], ids=len)
def test_a_long_run_of_choices_matches_the_probabilities(policy, arms):
    context = cart(1001)
    chances = policy.probabilities(arms, context)
    counts = Counter(policy.choose(arms, context, seed * 7919)[0] for seed in range(CHOICES))
    assert counts.keys() <= set(arms)
    distance = sum((counts[arm] - CHOICES * p) ** 2 / (CHOICES * p) for arm, p in chances.items())
    assert distance < UNLIKELY[len(arms) - 1]


@examples(max_examples=25, deadline=None)
@given(
    number=st.integers(0, 10**6),
    arms=st.lists(st.sampled_from([*ARMS, "new", "other"]), min_size=1, unique=True),
)
def test_any_arms_of_any_cart_get_the_floor_and_sum_to_one(policy, number, arms):
    chances = policy.probabilities(arms, cart(number))
    assert list(chances) == arms
    assert sum(chances.values()) == pytest.approx(1.0, abs=1e-9)
    assert min(chances.values()) >= policy.floor / len(arms) - 1e-12
