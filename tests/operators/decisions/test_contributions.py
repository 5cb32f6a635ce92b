"""A decision says what it came from, if it is to, and in numbers that add up."""

import math

import pytest

from operators.abandonment.models import LinearSum
from operators.bandits import LinearThompson
from operators.decisions.contributions import LEAST_SHARE, leading
from schemas.decisions import decode_decision
from tests.builders import SCORED, Desk, moment, of_type, offer, shop

ARMS = ("no_offer", "ten_percent", "five_off")
TWO = (offer(), offer("five_off", kind="amount_off", value=5.0))


def score_sum(features):
    return LinearSum("log_odds", 0.5, dict.fromkeys(features, 0.25))


def trained():
    policy = LinearThompson(seed=1)
    for number in range(60):
        arm = ARMS[number % 3]
        policy.update(arm, {"cart_value": number, "events": 3 + number % 5, "hour_sin": 0.5}, number / 7)
    return policy


def decided(policy=None, *, holdout=0.0, **settings):
    desk = Desk(of=shop(*TWO, holdout=holdout), **settings)
    desk.machine.policy = trained() if policy is None else policy
    emitted = desk.machine.process_moment(moment(0.0), SCORED, score_sum)
    (record,) = [decode_decision(each.value) for each in emitted if each.type == "decision"]
    return desk.machine.policy, record


def total(found):
    return math.fsum((found.constant, found.rest, *found.features.values()))


def test_the_record_adds_up_to_what_the_policy_expected():
    policy, record = decided()
    values = policy.values(list(ARMS), record.features)
    assert {arm: each.mean for arm, each in record.expected.items()} == values
    assert all(each.deviation > 0.0 for each in record.expected.values())
    difference = values[record.uplift_of] - values["no_offer"]
    assert total(record.uplift_contributions) == pytest.approx(difference)
    assert record.uplift_contributions.unit == "money"


def test_the_arm_compared_with_no_offer_is_the_chosen_one_or_the_most_probable():
    for seed in range(30):
        _, record = decided(seed=seed)
        offers = {arm: p for arm, p in record.probabilities.items() if arm != "no_offer"}
        expected = max(offers, key=offers.get) if record.arm == "no_offer" else record.arm
        assert record.uplift_of == expected


def test_what_hardly_matters_is_summed_up():
    given = {"much": 10.0, "less": -5.0, "little": 0.2, "nothing": 0.0}
    found = leading("money", 1.0, given)
    assert found.features == {"much": 10.0, "less": -5.0}
    assert found.rest == pytest.approx(0.2)
    assert LEAST_SHARE * 15.2 > 0.2
    assert leading("money", 1.0, dict.fromkeys("ab", 0.0)).features == {}


def test_a_policy_that_has_learned_nothing_expects_nothing():
    _, record = decided(LinearThompson(seed=1))
    assert (record.expected, record.uplift_of, record.uplift_contributions) == ({}, None, None)
    assert total(record.score_contributions) == pytest.approx(1.5)


def test_who_is_held_out_has_a_score_that_adds_up_and_no_expectation():
    _, record = decided(holdout=1.0)
    assert record.reason == "holdout"
    assert (record.expected, record.uplift_of) == ({}, None)
    assert record.score_contributions is not None


@pytest.mark.parametrize("wanted", ["all", "offers", "none"])
def test_the_setting_says_which_decisions_do(wanted):
    seen = {arm: set() for arm in ("none", "some")}
    for seed in range(20):
        _, record = decided(seed=seed, contributions=wanted)
        seen["none" if record.arm == "no_offer" else "some"].add(record.score_contributions is not None)
    assert seen == {"none": {wanted == "all"}, "some": {wanted != "none"}}


def test_without_a_sum_of_the_score_there_is_none():
    assert of_type(Desk().idle(0.0), "decision")[0]["score_contributions"] is None
