"""What the linear policies learn of shoppers whose taste is set."""

import random

import numpy as np
import pytest

from operators.bandits import EpsilonGreedy, LinearThompson, LinUCB, SquareCB, loads
from operators.bandits.chance import odds
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


def test_the_unit_of_rewards_and_features_changes_no_choice():
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
def test_a_reward_revised_is_as_if_it_had_been_learned_right_at_once(kind, half_life):
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


def test_a_reward_revised_after_it_was_forgotten_still_moves_the_weights():
    late, right, rng = LinearThompson(seed=1), LinearThompson(seed=1), random.Random(5)
    first = shopper(rng)
    late.update("no_offer", first, 1.0)
    right.update("no_offer", first, 9.0)
    for _ in range(2048):
        context, reward = shopper(rng), rng.random()
        late.update("no_offer", context, reward)
        right.update("no_offer", context, reward)
    late.revise("no_offer", first, 8.0)
    assert late.values(ARMS, first) == pytest.approx(right.values(ARMS, first), rel=1e-9)


def test_a_question_between_a_correction_and_the_next_lesson_changes_nothing():
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


def test_what_is_known_stays_exact_over_many_lessons():
    policy, rng = LinearThompson(seed=1), random.Random(2)
    for _ in range(1023):
        policy.update(rng.choice(ARMS), shopper(rng), rng.random())
    arms = policy._arms
    priors = np.stack([arms.hierarchy.priors[0], *[arms.hierarchy.priors[1]] * (len(arms.inverse) - 1)])
    product = np.matmul(arms.inverse, arms.now.products + priors)
    assert np.abs(product - np.eye(arms.width)).max() < 1e-6


def test_an_arm_that_went_and_came_back_is_remembered():
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
    policy, rng = LinearThompson(seed=1, room=12, most=5), random.Random(2)
    sizes = []
    for turn in range(300):
        context = {f"f{rng.randrange(200)}": rng.random(), f"w{turn}": "x", "word": f"{turn}"}
        policy.update(f"arm{turn}", context, rng.random())
        sizes.append(len(policy._arms.inverse))
    assert policy._arms.columns.size == 12
    assert len(policy._arms.rows) == 5
    assert max(sizes) == 7
    assert list(policy._arms.rows) == [f"arm{turn}" for turn in range(295, 300)]
    assert loads(policy.dumps()).dumps() == policy.dumps()


def test_forgetting_follows_a_taste_that_changed():
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
        found = odds(list(zip(scores.tolist(), (deviations**2).tolist(), strict=True)))
        assert found[1] / sum(found) == pytest.approx(draws.mean(), abs=0.01)


def test_an_arm_keeps_its_odds_against_the_leader_whoever_else_is_there():
    two = odds([(1.0, 0.09), (0.8, 0.25)])
    many = odds([(0.9, 0.01), (0.8, 0.25), (1.0, 0.09), (-50.0, 1.0)])
    assert many[1] / many[2] == pytest.approx(two[1] / two[0])
    assert many[3] < 1e-100
    assert odds([(2.0, 0.7)] * 5) == pytest.approx([1.0] * 5)


def test_what_is_certain_leaves_no_odds():
    assert odds([(1.0, 0.0), (2.0, 0.0), (2.0, 0.0)]) == [0.0, 1.0, 1.0]
    assert odds([(1.0, 1e-300), (2.0, 0.0)]) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"half_life": 0.0}, r"half_life must be a positive number of lessons, or None; got 0\.0"),
        ({"room": 0}, "room must be at least 1 column; got 0"),
    ],
)
def test_words_for_settings_that_cannot_be(setting, words):
    with pytest.raises(SetupError, match=words):
        EpsilonGreedy(seed=1, **setting)
