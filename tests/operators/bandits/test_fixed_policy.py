"""Policies that learn nothing, to compare others with."""

import pytest

from operators.bandits import build, loads
from operators.bandits.fixed_policy import FixedPolicy
from schemas.errors import SetupError
from schemas.shop import NO_OFFER

ARMS = ["no_offer", "ten_percent", "free_shipping"]


@pytest.mark.parametrize(
    ("spec", "chances"),
    [("none", [1, 0, 0]), ("always:free_shipping", [0, 0, 1]), ("uniform", [1 / 3] * 3)],
)
def test_a_fixed_policy_keeps_its_rule_whatever_the_rewards(spec, chances):
    policy = build(spec, seed=1)
    for _ in range(20):
        policy.update("ten_percent", {"x": 1.0}, 50.0)
        policy.revise("ten_percent", {"x": 1.0}, 5.0)
    assert list(policy.probabilities(ARMS, {}).values()) == pytest.approx(chances)
    assert policy.values(ARMS, {}) == {"no_offer": 0.0, "ten_percent": 55.0, "free_shipping": 0.0}


def test_where_its_arm_is_not_eligible_no_offer_is_made():
    policy = build("always:moon", seed=1)
    assert policy.probabilities(ARMS, {}) == {"no_offer": 1, "ten_percent": 0, "free_shipping": 0}
    assert policy.probabilities(["points"], {}) == {"points": 1}
    assert policy.fallback == NO_OFFER


def test_it_is_restored_from_its_snapshot():
    policy = build("always:ten_percent", seed=1)
    policy.update("ten_percent", {}, 2.0)
    again = loads(policy.dumps())
    assert (again.updates, again.probabilities(ARMS, {})) == (1, policy.probabilities(ARMS, {}))


@pytest.mark.parametrize("rule", ["always:", "sometimes"])
def test_an_unknown_rule_is_refused(rule):
    with pytest.raises(SetupError, match=f"a fixed policy must be none, uniform or always:ARM; got '{rule}'"):
        FixedPolicy(rule=rule)
