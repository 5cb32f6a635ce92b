"""Policy specs: what a setting may be, and the error for one that may not."""

import pytest

from operators.bandits import POLICIES
from operators.bandits.spec import parse_settings, policy_from_spec, restored_policy, spec_string
from schemas.errors import SetupError


def test_settings_are_read_as_what_they_are():
    settings = parse_settings("linear_thompson", "half_life=none,floor=5e-2,seed=3,learn_prior=false")
    assert settings == {"half_life": None, "floor": 0.05, "seed": 3, "learn_prior": False}
    assert isinstance(settings["seed"], int)


@pytest.mark.parametrize("spec", ["none", "uniform", "always:ten:percent", "linucb", "squarecb:max_arms=9"])
def test_a_policy_is_built_from_its_spec(spec):
    policy = policy_from_spec(spec, seed=7)
    assert policy.seed == 7
    assert policy.max_arms == (9 if "max_arms" in spec else 256)


def test_its_own_seed_comes_before_that_of_all():
    assert policy_from_spec("linucb:seed=3", seed=7).seed == 3


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("magic:floor=1", "policy must be one of linear_thompson, .*; got 'magic'"),
        ("uniform:floor=1", "policy must be one of linear_thompson, .*; got 'uniform'"),
        ("linucb:", "policy must be one of linear_thompson, .*; got 'linucb:'"),
        ("linucb:fast", "policy linucb takes settings like floor=0.05; got 'fast'"),
        ("linucb:width=2", "policy linucb takes the settings seed, floor, .*; got 'width'"),
        ("linucb:floor=.1,floor=.2", "policy linucb must be given floor once; got 'floor=.2' too"),
        ("linucb:floor=high", "policy linucb: floor=high cannot be: Expected `float`, got `str`"),
        ("linucb:floor=nan", "policy linucb: floor=nan cannot be: Expected `float`, got `str`"),
        ("linucb:max_columns=1.5", "policy linucb: max_columns=1.5 cannot be: Expected `int`, got `float`"),
        ("linucb:learn_prior=no", "policy linucb: learn_prior=no cannot be: Expected `bool`"),
        ("linucb:floor=2", "floor must be a probability from 0 to 1; got 2"),
    ],
)
def test_the_spec_of_no_policy_is_refused(spec, words):
    with pytest.raises(SetupError, match=words):
        policy_from_spec(spec, seed=0)


def trained(spec):
    policy = policy_from_spec(spec, seed=1)
    for turn in range(20):
        policy.update("ten" if turn % 2 else "no_offer", {"cart_value": 9.0 * turn}, float(turn % 3))
    return policy


@pytest.mark.parametrize(
    ("was", "spec"),
    [
        ("linear_thompson", "linear_thompson:floor=0.3,seed=7"),
        ("linear_thompson:floor=0.3", "linear_thompson"),
        ("linear_thompson", "linear_thompson:half_life=4000"),
        ("adpredictor_thompson", "adpredictor_thompson:floor=0.2"),
        ("linucb:half_life=none", "linucb:half_life=none,floor=1"),
        ("always:ten", "always:ten"),
    ],
)
def test_a_restored_policy_keeps_its_updates_and_has_the_floor_of_the_new_spec(was, spec):
    before, fresh = trained(was), policy_from_spec(spec, seed=2)
    kept = restored_policy(spec, before.dumps(), was, seed=2)
    assert spec_string(kept) == spec_string(fresh)
    assert kept.updates == 20
    assert kept.values(["no_offer", "ten"], {"cart_value": 50.0}) == before.values(
        ["no_offer", "ten"], {"cart_value": 50.0}
    )
    least = min(kept.probabilities(["no_offer", "ten"], {"cart_value": 50.0}).values())
    assert least >= fresh.floor / 2


@pytest.mark.parametrize(
    ("was", "spec"),
    [
        ("linear_thompson", "linucb"),
        ("linear_thompson", "linear_thompson:half_life=1000"),
        ("linear_thompson:learn_prior=false", "linear_thompson"),
        ("linucb", "linucb:max_columns=9"),
        ("linucb", "linucb:max_arms=9"),
        ("adpredictor_thompson", "adpredictor_thompson:drift=0.1"),
        ("linear_thompson", "uniform"),
        ("always:ten", "always:ship"),
    ],
)
def test_another_policy_or_another_way_of_learning_is_not_restored(was, spec):
    assert restored_policy(spec, trained(was).dumps(), was, seed=1) is None


def test_a_policy_that_was_trained_with_another_default_keeps_it():
    older = trained("linucb:half_life=77,floor=0.5")
    kept = restored_policy("linucb", older.dumps(), "linucb", seed=1)
    assert (kept.half_life, kept.floor, kept.updates) == (77, 0.002, 20)


@pytest.mark.parametrize(
    "spec", [*POLICIES, "linucb:half_life=none,learn_prior=false,floor=1", "none", "always:Ten"]
)
def test_the_spec_with_all_settings_is_that_of_the_same_policy(spec):
    text = spec_string(policy_from_spec(spec, seed=3))
    assert spec_string(policy_from_spec(text, seed=0)) == text
