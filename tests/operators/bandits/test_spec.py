"""A policy in words: what a setting may be, and what is said of one that may not."""

import pytest

from operators.bandits import POLICIES
from operators.bandits.spec import built, settings_in, taken_up, words_of
from schemas.errors import SetupError


def test_settings_are_read_as_what_they_are():
    settings = settings_in("linear_thompson", "half_life=none,floor=5e-2,seed=3,learn_prior=false")
    assert settings == {"half_life": None, "floor": 0.05, "seed": 3, "learn_prior": False}
    assert isinstance(settings["seed"], int)


@pytest.mark.parametrize("words", ["none", "uniform", "always:ten:percent", "linucb", "squarecb:most=9"])
def test_a_policy_is_built_from_its_words(words):
    policy = built(words, seed=7)
    assert policy.seed == 7
    assert policy.most == (9 if "most" in words else 256)


def test_its_own_seed_comes_before_that_of_all():
    assert built("linucb:seed=3", seed=7).seed == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("magic:floor=1", "policy must be one of linear_thompson, .*; got 'magic'"),
        ("uniform:floor=1", "policy must be one of linear_thompson, .*; got 'uniform'"),
        ("linucb:", "policy must be one of linear_thompson, .*; got 'linucb:'"),
        ("linucb:fast", "policy linucb takes settings like floor=0.05; got 'fast'"),
        ("linucb:width=2", "policy linucb takes the settings seed, floor, .*; got 'width'"),
        ("linucb:floor=.1,floor=.2", "policy linucb must be given floor once; got 'floor=.2' too"),
        ("linucb:floor=high", "policy linucb: floor=high cannot be: Expected `float`, got `str`"),
        ("linucb:floor=nan", "policy linucb: floor=nan cannot be: Expected `float`, got `str`"),
        ("linucb:room=1.5", "policy linucb: room=1.5 cannot be: Expected `int`, got `float`"),
        ("linucb:learn_prior=no", "policy linucb: learn_prior=no cannot be: Expected `bool`"),
        ("linucb:floor=2", "floor must be a probability from 0 to 1; got 2"),
    ],
)
def test_words_of_no_policy_are_refused(words, said):
    with pytest.raises(SetupError, match=said):
        built(words, seed=0)


def learned(words):
    policy = built(words, seed=1)
    for turn in range(20):
        policy.update("ten" if turn % 2 else "no_offer", {"cart_value": 9.0 * turn}, float(turn % 3))
    return policy


@pytest.mark.parametrize(
    ("was", "words"),
    [
        ("linear_thompson", "linear_thompson:floor=0.3,seed=7"),
        ("linear_thompson:floor=0.3", "linear_thompson"),
        ("linear_thompson", "linear_thompson:half_life=4000"),
        ("adpredictor_thompson", "adpredictor_thompson:floor=0.2"),
        ("linucb:half_life=none", "linucb:half_life=none,floor=1"),
        ("always:ten", "always:ten"),
    ],
)
def test_a_policy_taken_up_keeps_its_lessons_and_has_the_floor_it_is_told(was, words):
    before, fresh = learned(was), built(words, seed=2)
    kept = taken_up(words, before.dumps(), was, seed=2)
    assert words_of(kept) == words_of(fresh)
    assert kept.lessons == 20
    assert kept.values(["no_offer", "ten"], {"cart_value": 50.0}) == before.values(
        ["no_offer", "ten"], {"cart_value": 50.0}
    )
    least = min(kept.probabilities(["no_offer", "ten"], {"cart_value": 50.0}).values())
    assert least >= fresh.floor / 2


@pytest.mark.parametrize(
    ("was", "words"),
    [
        ("linear_thompson", "linucb"),
        ("linear_thompson", "linear_thompson:half_life=1000"),
        ("linear_thompson:learn_prior=false", "linear_thompson"),
        ("linucb", "linucb:room=9"),
        ("linucb", "linucb:most=9"),
        ("adpredictor_thompson", "adpredictor_thompson:drift=0.1"),
        ("linear_thompson", "uniform"),
        ("always:ten", "always:ship"),
    ],
)
def test_another_policy_or_another_way_of_learning_is_not_taken_up(was, words):
    assert taken_up(words, learned(was).dumps(), was, seed=1) is None


def test_what_was_learned_with_another_default_goes_on_with_it():
    older = learned("linucb:half_life=77,floor=0.5")
    kept = taken_up("linucb", older.dumps(), "linucb", seed=1)
    assert (kept.half_life, kept.floor, kept.lessons) == (77, 0.002, 20)


@pytest.mark.parametrize(
    "words", [*POLICIES, "linucb:half_life=none,learn_prior=false,floor=1", "none", "always:Ten"]
)
def test_all_settings_said_are_the_words_of_the_same_policy(words):
    said = words_of(built(words, seed=3))
    assert words_of(built(said, seed=0)) == said
