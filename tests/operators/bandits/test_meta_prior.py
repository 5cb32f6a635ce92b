"""What a new arm is taken to be like, learned from all arms together."""

import numpy as np
import pytest

from operators.bandits import EpsilonGreedy, loads
from operators.bandits.meta_prior import MetaPrior
from tests.benchmarks.new_arms import EXPECTED, regret

FEATURES = ("cart", "visits", "hour")
SPREADS = np.array([0.5, 1.0, 2.0])


def trained(weights, updates, rng, **settings):
    """A policy that has learned each arm's noisy rewards equally often."""
    policy = EpsilonGreedy(seed=1, **settings)
    for turn in range(updates * len(weights)):
        arm, x = turn % len(weights), rng.normal(size=len(FEATURES))
        context = dict(zip(FEATURES, x.tolist(), strict=True))
        policy.update(f"arm{arm}", context, float(weights[arm] @ x + rng.normal()))
    return policy


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_planted_mean_and_variance_of_each_group_of_weights_are_recovered(seed):
    rng = np.random.default_rng(seed)
    means = np.array([1.0, -2.0, 0.0])
    weights = means + SPREADS * rng.normal(size=(60, len(FEATURES)))
    policy = trained(weights, 60, rng, half_life=None)
    found = policy.meta_prior()
    assert [found[name].variance for name in FEATURES] == pytest.approx(weights.var(axis=0), rel=0.1)
    assert [found[name].mean for name in FEATURES] == pytest.approx(weights.mean(axis=0), abs=0.2)
    assert loads(policy.dumps()).meta_prior() == found


def test_a_new_arm_is_taken_to_be_like_the_others_as_far_as_they_are_alike():
    rng = np.random.default_rng(1)
    weights = np.array([3.0, 0.0, 0.0]) + np.array([0.05, 1.0, 0.05]) * rng.normal(size=(30, 3))
    policy = trained(weights, 40, rng)
    cart, visits = {"cart": 1.0, "visits": 0.0, "hour": 0.0}, {"cart": 0.0, "visits": 2.0, "hour": 0.0}
    sure, unsure = (policy._regressions.posteriors(["new"], each)[0] for each in (cart, visits))
    assert sure[0] == pytest.approx(3.0, abs=0.5)
    assert unsure[1] > 9.0 * sure[1]


@pytest.mark.parametrize("arms", [2, 8, 20])
def test_the_first_prior_has_all_arms_and_features_together_explain_as_much_however_many(arms):
    weights = np.zeros((arms, len(FEATURES)))
    policy = trained(weights, 600 // arms, np.random.default_rng(1), learn_prior=False)
    shares = [each.variance / policy._regressions.noise() for each in policy.meta_prior().values()]
    assert arms * sum(shares) == pytest.approx(32.0, rel=0.15)


def test_new_arms_cost_less_where_arms_differ_in_few_features():
    own = np.where(np.arange(24) < 3, 1.0, 0.0)
    assert regret(1, own, learn_prior=True) < 0.8 * regret(1, own, learn_prior=False)


def test_new_arms_cost_hardly_more_where_the_prior_was_right_from_the_start():
    own = np.full(8, EXPECTED)
    learned, fixed = (
        sum(regret(seed, own, learn_prior=each) for seed in (1, 2, 3)) for each in (True, False)
    )
    assert learned < 1.35 * fixed


def test_a_fit_that_leaves_no_noise_keeps_the_prior_bounded():
    first, groups = MetaPrior(1.0, 7.0), np.arange(4)
    found = first.refitted(np.full((2, 4), 1e12), np.zeros((2, 4)), groups, first)
    reach = (4.0 / (4.0 + 8.0)) ** 2  # begun as if from four weights, fitted to eight
    assert found.precisions(groups).tolist() == pytest.approx([reach, 7.0 * reach, 7.0 * reach, 7.0 * reach])
