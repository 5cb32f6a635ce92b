"""What the linear policies learn from shoppers whose preferences are known."""

import random

import numpy as np
import pytest

from operators.bandits import EpsilonGreedy, LinearThompson, LinUCB, SquareCB, loads
from operators.bandits.allocation import odds_against_leader
from schemas.errors import SetupError

ARMS = ["no_offer", "ten_percent", "free_shipping"]
LINEAR = [LinearThompson, LinUCB, SquareCB, EpsilonGreedy]


def shopper(rng):
    return {
        "cart": rng.gauss(60.0, 20.0),
        "visits": rng.gauss(3.0, 1.0),
        "device": rng.choice(["phone", "desk"]),
    }


def earned(arm, context):
    """Phones want ten percent off, full carts on a desk want free shipping, the rest nothing."""
    effect = {
        "no_offer": 0.0,
        "ten_percent": 2.0 if context["device"] == "phone" else -2.0,
        "free_shipping": (context["cart"] - 60.0) / 10.0,
    }
    return 5.0 + 0.05 * context["cart"] + effect[arm]


def share_right(policy, rng, rounds, noise, *, unit=1.0, learn=True):
    right = 0
    for _ in range(rounds):
        context = shopper(rng)
        arm = policy.pull(ARMS, context)
        right += earned(arm, context) >= max(earned(each, context) for each in ARMS) - 1e-9
        if learn:
            policy.update(arm, context, unit * (earned(arm, context) + rng.gauss(0.0, noise)))
    return right / rounds


@pytest.mark.parametrize("kind", LINEAR)
@pytest.mark.parametrize(("noise", "unit"), [(0.01, 1e4), (3.0, 1e-4)])
def test_shoppers_get_what_they_want_in_any_currency_and_any_noise(kind, noise, unit):
    policy, rng = kind(seed=1), random.Random(1)
    share_right(policy, rng, 1500, noise, unit=unit)
    assert share_right(policy, rng, 200, noise, learn=False) > 0.75


def test_the_units_of_rewards_and_features_change_no_choice():
    one, other, rng = LinearThompson(seed=1), LinearThompson(seed=1), random.Random(1)
    for _ in range(200):
        context = shopper(rng)
        same = context | {"cart": context["cart"] * 1024.0, "visits": context["visits"] / 64.0}
        found = one.probabilities(ARMS, context)
        assert other.probabilities(ARMS, same) == pytest.approx(found, abs=1e-6)
        arm = one.pull(ARMS, context)
        reward = earned(arm, context) + rng.gauss(0.0, 1.0)
        one.update(arm, context, reward)
        other.update(arm, same, 4096.0 * reward)


@pytest.mark.parametrize("kind", LINEAR)
@pytest.mark.parametrize("half_life", [None, 50.0])
def test_a_revised_reward_counts_as_if_it_had_been_right_from_the_start(kind, half_life):
    late, right, rng = kind(seed=1, half_life=half_life), kind(seed=1, half_life=half_life), random.Random(5)
    open_changes = []
    for turn in range(400):
        context = shopper(rng) | ({"rare": rng.random()} if turn % 7 == 0 else {})
        if turn > 200:
            context["new"] = rng.choice("ab")
        arm = rng.choice(ARMS)
        reward, change = rng.gauss(3.0, 20.0), rng.choice([0.0, -3.7, 12.0])
        late.update(arm, context, reward)
        right.update(arm, context, reward + change)
        open_changes.append((arm, context, change))
        if rng.random() < 0.3:
            late.revise(*open_changes.pop(rng.randrange(len(open_changes))))
    for change in open_changes:
        late.revise(*change)
    for _ in range(50):
        context = shopper(rng)
        assert late.values(ARMS, context) == pytest.approx(right.values(ARMS, context), rel=1e-9, abs=1e-9)
        assert late.probabilities(ARMS, context) == pytest.approx(
            right.probabilities(ARMS, context), abs=1e-9
        )
    assert late.dumps() != LinearThompson(seed=1).dumps()
    assert [mean.get() for mean in late._rewards.values()] == pytest.approx(
        [mean.get() for mean in right._rewards.values()]
    )


def test_a_reward_revised_too_late_to_be_remembered_still_moves_the_weights():
    late, right = (LinearThompson(seed=1, winsorize=None) for _ in range(2))
    rng = random.Random(5)
    first = shopper(rng)
    late.update("no_offer", first, 1.0)
    right.update("no_offer", first, 9.0)
    for _ in range(2048):
        context, reward = shopper(rng), rng.random()
        late.update("no_offer", context, reward)
        right.update("no_offer", context, reward)
    late.revise("no_offer", first, 8.0)
    assert late.values(ARMS, first) == pytest.approx(right.values(ARMS, first), rel=1e-9)


def test_a_query_between_a_revision_and_the_next_update_changes_nothing():
    asked, silent, rng = LinearThompson(seed=1), LinearThompson(seed=1), random.Random(5)
    for turn in range(200):
        context, arm, reward = shopper(rng), rng.choice(ARMS), rng.gauss(3.0, 5.0)
        for policy in (asked, silent):
            policy.update(arm, context, reward)
            policy.revise(arm, context, 2.0 if turn % 3 else 0.5)
        asked.probabilities(ARMS, context)
    assert asked.dumps() == silent.dumps()


def test_the_estimate_is_that_of_a_ridge_regression():
    policy, rng = EpsilonGreedy(seed=1), random.Random(2)
    contexts = [shopper(rng) for _ in range(3000)]
    for context in contexts:
        policy.update("free_shipping", context, earned("free_shipping", context) + rng.gauss(0.0, 0.1))
    for context in contexts[:20]:
        assert policy.values(ARMS[2:], context)["free_shipping"] == pytest.approx(
            earned("free_shipping", context), abs=0.05
        )


def test_covariances_stay_exact_over_many_updates():
    policy, rng = LinearThompson(seed=1), random.Random(2)
    for _ in range(1023):
        policy.update(rng.choice(ARMS), shopper(rng), rng.random())
    found = policy._regressions
    shared, own = found.prior.precisions
    products = found.statistics.products
    precisions = products + np.stack([shared, *[own] * (len(products) - 1)])
    identity = np.matmul(found.covariances.matrices, precisions)
    assert np.abs(identity - np.eye(found.width)).max() < 1e-6


def test_an_arm_that_was_not_eligible_for_a_while_is_remembered():
    policy, rng = LinearThompson(seed=1), random.Random(2)
    for _ in range(300):
        context = shopper(rng)
        policy.update("no_offer", context, 1.0 + rng.gauss(0.0, 0.1))
        policy.update("ten_percent", context, 5.0 + rng.gauss(0.0, 0.1))
    for _ in range(300):
        policy.update("no_offer", shopper(rng), 1.0 + rng.gauss(0.0, 0.1))
    assert policy.probabilities(["no_offer", "ten_percent"], shopper(rng))["ten_percent"] > 0.95


def test_a_new_arm_is_tried():
    policy, rng = LinearThompson(seed=1), random.Random(2)
    share_right(policy, rng, 400, 1.0)
    share = sum(policy.probabilities([*ARMS, "points"], shopper(rng))["points"] for _ in range(50)) / 50
    assert share > 2.0 * policy.floor / 4


def test_arms_and_features_are_bounded():
    policy, rng = LinearThompson(seed=1, max_columns=12, max_arms=5), random.Random(2)
    sizes = []
    for turn in range(300):
        context = {f"f{rng.randrange(200)}": rng.random(), f"w{turn}": "x", "word": f"{turn}"}
        policy.update(f"arm{turn}", context, rng.random())
        sizes.append(len(policy._regressions.covariances.matrices))
    assert policy._regressions.encoder.columns.size == 12
    assert len(policy._regressions.rows) == 5
    assert max(sizes) == 7
    assert list(policy._regressions.rows) == [f"arm{turn}" for turn in range(295, 300)]
    assert loads(policy.dumps()).dumps() == policy.dumps()


def test_forgetting_follows_preferences_that_change():
    keeps, forgets, rng = LinearThompson(seed=1), LinearThompson(seed=1, half_life=100.0), random.Random(2)
    for turn in range(800):
        context = shopper(rng)
        for arm, reward in (("no_offer", 1.0), ("ten_percent", 2.0 if turn < 500 else 0.0)):
            for policy in (keeps, forgets):
                policy.update(arm, context, reward + rng.gauss(0.0, 0.1))
    assert forgets.values(ARMS, context)["ten_percent"] == pytest.approx(0.0, abs=0.1)
    assert keeps.values(ARMS, context)["ten_percent"] > 0.8


def test_the_odds_of_two_arms_are_those_of_many_draws():
    rng = np.random.default_rng(1)
    for _ in range(20):
        scores, deviations = rng.normal(size=2), rng.gamma(1.0, size=2) + 0.01
        draws = rng.normal(scores, deviations, size=(100_000, 2)).argmax(axis=1)
        found = odds_against_leader(list(zip(scores.tolist(), (deviations**2).tolist(), strict=True)))
        assert found[1] / sum(found) == pytest.approx(draws.mean(), abs=0.01)


def test_an_arm_keeps_its_odds_against_the_leader_whatever_other_arms_there_are():
    two = odds_against_leader([(1.0, 0.09), (0.8, 0.25)])
    many = odds_against_leader([(0.9, 0.01), (0.8, 0.25), (1.0, 0.09), (-50.0, 1.0)])
    assert many[1] / many[2] == pytest.approx(two[1] / two[0])
    assert many[3] < 1e-100
    assert odds_against_leader([(2.0, 0.7)] * 5) == pytest.approx([1.0] * 5)


def test_certain_means_leave_no_odds_against_leader():
    assert odds_against_leader([(1.0, 0.0), (2.0, 0.0), (2.0, 0.0)]) == [0.0, 1.0, 1.0]
    assert odds_against_leader([(1.0, 1e-300), (2.0, 0.0)]) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"half_life": 0.0}, r"half_life must be a positive number of updates, or None; got 0\.0"),
        ({"max_columns": 0}, "max_columns must be at least 1 column; got 0"),
        ({"revisable": 0}, "revisable must be at least 1 update; got 0"),
    ],
)
def test_settings_out_of_range_are_refused(setting, words):
    with pytest.raises(SetupError, match=words):
        EpsilonGreedy(seed=1, **setting)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(LinearThompson, "posterior_scale"), (LinUCB, "alpha"), (SquareCB, "gamma_scale")],
)
@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf")])
def test_a_scale_of_exploration_out_of_range_is_refused(kind, name, value):
    with pytest.raises(SetupError, match=f"{name} must be a finite number of at least 0; got {value}"):
        kind(seed=1, **{name: value})


def chance_of_the_leader(kind, **settings):
    """The probability of the arm that has earned most so far, after a few noisy rewards."""
    policy, rng = kind(seed=1, floor=0.0, **settings), random.Random(1)
    for turn in range(30):
        policy.update(ARMS[turn % 3], {}, turn % 3 + 4.0 * rng.gauss(0.0, 1.0))
    values = policy.values(ARMS, {})
    return policy.probabilities(ARMS, {})[max(values, key=values.get)]


def test_the_scales_of_exploration_set_how_much_is_explored():
    narrow, wide = (chance_of_the_leader(LinearThompson, posterior_scale=each) for each in (0.01, 1.0))
    assert narrow > wide
    sharp, blunt = (chance_of_the_leader(SquareCB, gamma_scale=each) for each in (100.0, 0.0))
    assert sharp > blunt == pytest.approx(1 / 3)
    assert chance_of_the_leader(LinUCB, alpha=0.0) == 1.0
    policy = LinUCB(seed=1, floor=0.0, alpha=50.0)
    for turn in range(30):
        policy.update("no_offer" if turn % 10 else "ten_percent", {}, 1.0 + 0.1 * (turn % 3))
    assert policy.probabilities(ARMS[:2], {})["ten_percent"] == 1.0


def test_more_revisable_updates_are_corrected_exactly():
    few, many, right = (LinearThompson(seed=1, revisable=each, winsorize=None) for each in (10, 100, 10))
    rng = random.Random(5)
    first = shopper(rng)
    for policy, reward in ((few, 1.0), (many, 1.0), (right, 9.0)):
        policy.update("no_offer", first, reward)
    for _ in range(50):
        context, reward = shopper(rng), rng.random()
        for policy in (few, many, right):
            policy.update("no_offer", context, reward)
    few.revise("no_offer", first, 8.0)
    many.revise("no_offer", first, 8.0)
    noises = [policy._regressions.noise() for policy in (many, few)]
    assert noises[0] == pytest.approx(right._regressions.noise(), rel=1e-9)
    assert noises[1] != pytest.approx(right._regressions.noise(), rel=0.01)
