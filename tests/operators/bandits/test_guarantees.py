"""What every policy guarantees, whatever it has learned."""

import math
import random

import msgspec
import pytest

from operators.bandits import POLICIES, build, loads
from schemas.errors import SetupError

ARMS = ["no_offer", "ten_percent", "free_shipping", "points"]
DEVICES = ["phone", "tablet", "desktop"]


def shopper(rng, features=6):
    """A context of numbers on wild scales, a word, and a feature that is there half the time."""
    context = {f"f{i}": rng.gauss(10.0**i, 3.0**i) for i in range(features)}
    context["device"] = rng.choice(DEVICES)
    if rng.random() < 0.5:
        context["referred"] = 1.0
    return context


def trained(name, updates=300, seed=3, money=False, **settings):
    policy, rng = build(name, seed=seed, **settings), random.Random(seed)
    for _ in range(updates):
        context = shopper(rng)
        arm = policy.pull(ARMS[:3], context)
        win = rng.random() < 0.05 + 0.1 * (arm == "ten_percent") * (context["device"] == "phone")
        policy.update(arm, context, 20.0 * win if money else float(win))
    return policy, rng


@pytest.fixture(params=sorted(POLICIES))
def name(request):
    return request.param


@pytest.mark.parametrize("updates", [0, 1, 7, 300])
def test_probabilities_cover_exactly_the_eligible_arms_and_sum_to_one(name, updates):
    policy, rng = trained(name, updates)
    for eligible in (ARMS, ARMS[1:2], ["never_seen", "no_offer"], [*ARMS, *(f"new{i}" for i in range(60))]):
        found = policy.probabilities(eligible, shopper(rng))
        assert list(found) == eligible
        assert math.fsum(found.values()) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("floor", [0.0, 0.02, 0.5, 1.0])
def test_every_eligible_arm_keeps_its_share_of_the_floor(name, floor):
    policy, rng = trained(name, floor=floor)
    for _ in range(50):
        found = policy.probabilities(ARMS, shopper(rng))
        assert min(found.values()) >= floor / len(ARMS) - 1e-12


def test_a_long_run_of_choices_matches_the_probabilities(name):
    policy, rng = trained(name, 60)
    context = shopper(rng)
    found = policy.probabilities(ARMS, context)
    draws = 1_000
    for chosen in (
        [policy.choose(ARMS, context, seed)[0] for seed in range(draws)],
        [policy.pull(ARMS, context) for _ in range(draws)],
    ):
        expected = {arm: draws * found[arm] for arm in ARMS}
        chi = sum((chosen.count(arm) - expected[arm]) ** 2 / expected[arm] for arm in ARMS)
        assert chi < 16.3  # 99.9 % of three degrees of freedom


def test_a_surcharge_lowers_its_arm_alone_and_none_costs_nothing(name):
    policy, rng = trained(name, floor=0.04)
    for _ in range(20):
        context = shopper(rng)
        free = policy.probabilities(ARMS, context)
        assert policy.probabilities(ARMS, context, surcharges={}) == free
        assert policy.probabilities(ARMS, context, surcharges={"elsewhere": 9.0}) == free
        for arm in ARMS:
            found = policy.probabilities(ARMS, context, surcharges={arm: 5.0})
            assert math.fsum(found.values()) == pytest.approx(1.0, abs=1e-9)
            assert 0.01 - 1e-12 <= found[arm] <= free[arm]


def test_a_surcharge_of_the_gap_makes_two_arms_even(name):
    settings = {} if name == "adpredictor_thompson" else {"half_life": None}
    policy, arms = build(name, seed=1, floor=0.0, **settings), ARMS[:2]
    for turn in range(400):
        for arm, often in zip(arms, (2, 4), strict=True):
            policy.update(arm, {}, float(turn % often == 0))
    values = policy.values(arms, {})
    gap = values["no_offer"] - values["ten_percent"]
    assert gap > 0.1
    even = policy.probabilities(arms, {}, surcharges={"no_offer": gap})
    # an upper bound is as wide as the noise of its arm, and arms nearly alike are not shared by greed
    assert even["no_offer"] == pytest.approx(0.5, abs=0.5 if name in {"linucb", "epsilon_greedy"} else 0.1)
    for change, least in ((0.1, 0.0), (-0.1, 0.7)):
        found = policy.probabilities(arms, {}, surcharges={"no_offer": gap + change})["no_offer"]
        assert least <= found <= least + 0.3


def test_a_long_run_of_choices_matches_the_probabilities_under_a_surcharge(name):
    policy, rng = trained(name, 60)
    context, surcharges = shopper(rng), {"ten_percent": 0.02, "points": 0.01}
    found = policy.probabilities(ARMS, context, surcharges=surcharges)
    chosen = [policy.choose(ARMS, context, seed, surcharges)[0] for seed in range(1_000)]
    expected = {arm: 1_000 * found[arm] for arm in ARMS}
    chi = sum((chosen.count(arm) - expected[arm]) ** 2 / expected[arm] for arm in ARMS)
    assert chi < 16.3  # 99.9 % of three degrees of freedom


def test_a_choice_depends_on_its_seed_alone(name):
    policy, rng = trained(name)
    context = shopper(rng)
    first = [policy.choose(ARMS, context, seed) for seed in range(40)]
    assert [policy.choose(ARMS, context, seed) for seed in range(40)] == first


def test_a_query_changes_nothing(name):
    policy, rng = trained(name)
    before = policy.dumps()
    for _ in range(20):
        context = shopper(rng) | {"unheard": 3.0, "of": "it"}
        policy.probabilities([*ARMS, "new"], context, seed=4)
        policy.choose([*ARMS, "new"], context, 4)
        policy.values([*ARMS, "new"], context)
    assert policy.dumps() == before


def test_a_restored_policy_continues_as_if_nothing_had_happened(name):
    policy, rng = trained(name)
    restored = loads(policy.dumps())
    assert type(restored) is type(policy)
    assert restored.updates == policy.updates == 300
    for _ in range(100):
        context = shopper(rng) | {"later": rng.random()}
        arm = policy.pull(ARMS, context)
        assert restored.pull(ARMS, context) == arm
        assert restored.probabilities(ARMS, context) == policy.probabilities(ARMS, context)
        for each in (policy, restored):
            each.update(arm, context, rng.random() if each is policy else 0.5)
            each.revise(arm, context, 0.0)
        policy = loads(restored.dumps())
    assert restored.dumps() == policy.dumps()


def test_two_policies_of_one_seed_choose_alike_and_another_seed_differs(name):
    runs = []
    for seed in (1, 1, 2):
        policy, rng = build(name, seed=seed, floor=0.5), random.Random(0)
        runs.append([policy.pull(ARMS, shopper(rng)) for _ in range(60)])
    assert runs[0] == runs[1] != runs[2]


def test_any_context_is_accepted(name):
    policy = build(name, seed=1)
    odd = [
        {},
        None,
        {"price": math.nan, "age": math.inf, "word": ""},
        {"price": 1e300, "flag": True, "nothing": None, "list": [1]},
        {"price": "text", "age": 10**400, "flag": False},
        {"price": -1e300, "age": 5},
    ]
    for turn in range(60):
        context = odd[turn % len(odd)]
        arm = policy.pull(ARMS, context)
        policy.update(arm, context, float(turn % 3 == 0))
        policy.revise(arm, context, 0.5)
        found = policy.probabilities(ARMS, {} if context is None else context)
        assert all(0.0 <= each <= 1.0 for each in found.values())
        assert math.fsum(found.values()) == pytest.approx(1.0, abs=1e-9)


def test_invalid_input_is_refused_in_words(name):
    policy = build(name, seed=1)
    with pytest.raises(ValueError, match="at least one arm"):
        policy.probabilities([], {})
    with pytest.raises(ValueError, match="each arm once"):
        policy.probabilities(["a", "a"], {})
    with pytest.raises(ValueError, match="reward must be a finite number; got nan"):
        policy.update("a", {}, math.nan)
    with pytest.raises(ValueError, match="change of reward must be a finite number; got inf"):
        policy.revise("a", {}, math.inf)
    with pytest.raises(SetupError, match=r"floor must be a probability from 0 to 1; got 1\.5"):
        build(name, seed=1, floor=1.5)
    with pytest.raises(SetupError, match=r"does not take such settings.*taste"):
        build(name, seed=1, taste=3)


def test_an_unknown_policy_or_snapshot_is_refused_in_words():
    with pytest.raises(SetupError, match=r"policy must be one of linear_thompson, linucb.*; got 'magic'"):
        build("magic", seed=1)
    with pytest.raises(ValueError, match="expected a snapshot of linucb 4; got one of linear_thompson 4"):
        POLICIES["linucb"].loads(build("linear_thompson", seed=1).dumps())


def test_river_counts_the_updates_too(name):
    policy, _ = trained(name)
    assert sum(policy._counts.values()) == policy._n == policy.updates == 300
    assert set(policy.ranking) == set(ARMS[:3])
    assert "ten_percent" in repr(loads(policy.dumps()))


def test_the_arm_with_the_oldest_update_is_forgotten_first(name):
    policy = build(name, seed=1, max_arms=3)
    for turn, arm in enumerate("abcadbe"):
        policy.update(arm, {"turn": turn}, turn % 2)
    assert list(policy._rewards) == ["d", "b", "e"]
    assert loads(policy.dumps()).dumps() == policy.dumps()
    with pytest.raises(SetupError, match="max_arms must be at least 1 arm; got 0"):
        build(name, seed=1, max_arms=0)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"drift": -5.0}, r"drift must be a share from 0 to 1; got -5\.0"),
        ({"drift": 1.5}, r"drift must be a share from 0 to 1; got 1\.5"),
        ({"drift": math.nan}, "drift must be a share from 0 to 1; got nan"),
        ({"max_features": 0}, "max_features must be at least 1 feature; got 0"),
        ({"revisable": 0}, "revisable must be at least 1 update; got 0"),
        ({"posterior_scale": -1.0}, r"posterior_scale must be a finite number of at least 0; got -1\.0"),
    ],
)
def test_settings_of_adpredictor_out_of_range_are_refused(setting, words):
    with pytest.raises(SetupError, match=words):
        build("adpredictor_thompson", seed=1, **setting)


def test_features_beyond_the_greatest_number_are_ignored():
    policy, rng = build("adpredictor_thompson", seed=1, max_features=5, max_arms=3), random.Random(1)
    for turn in range(100):
        policy.update(f"arm{turn % 6}", shopper(rng), float(turn % 2))
    assert len(policy._features.ids) == 4
    assert len(policy._model.means) <= 1 + 5 * 4
    assert loads(policy.dumps()).probabilities(ARMS, shopper(rng))


def test_bytes_that_are_no_snapshot_of_a_policy_are_refused():
    with pytest.raises(ValueError, match=r"expected a snapshot of one of .*; got one of 'x'"):
        loads(msgspec.msgpack.encode((3, "x")))
