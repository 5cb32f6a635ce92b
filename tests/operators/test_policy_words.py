"""A policy in words: what a setting may be, and what is said of one that may not."""

import pytest

from operators.policy_words import built, settings_in
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
        ("linucb:fast", "--policy linucb takes settings like floor=0.05; got 'fast'"),
        ("linucb:width=2", "--policy linucb takes the settings seed, floor, .*; got 'width'"),
        ("linucb:floor=.1,floor=.2", "--policy linucb must be given floor once; got 'floor=.2' too"),
        ("linucb:floor=high", "--policy linucb: floor=high cannot be: Expected `float`, got `str`"),
        ("linucb:floor=nan", "--policy linucb: floor=nan cannot be: Expected `float`, got `str`"),
        ("linucb:room=1.5", "--policy linucb: room=1.5 cannot be: Expected `int`, got `float`"),
        ("linucb:learn_prior=no", "--policy linucb: learn_prior=no cannot be: Expected `bool`"),
        ("linucb:floor=2", "floor must be a probability from 0 to 1; got 2"),
    ],
)
def test_words_of_no_policy_are_refused(words, said):
    with pytest.raises(SetupError, match=said):
        built(words, seed=0)
