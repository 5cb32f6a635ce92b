"""The reward model predicts rows it was not fitted to, and is unsure of arms it hardly knows."""

import numpy as np
import pytest

from operators.evaluation import Log, RewardModel, cross_fitted, doubly_robust, ips
from tests.logged_worlds import adaptive


def shop(rows=3000, rare=0.3, seed=3):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 2)) * [1.0, 50.0] + [0.0, 300.0]
    arms = rng.choice(3, size=rows, p=[0.7 - rare / 2, 0.3 - rare / 2, rare])
    truth = np.column_stack([features[:, 0], 2.0 - features[:, 0], 0.02 * features[:, 1]])
    rewards = truth[np.arange(rows), arms] + rng.normal(size=rows) * 0.1
    return Log(rewards, arms, np.full(rows, 0.3), rng.integers(rows // 3, size=rows)), features, truth


def test_linear_preferences_are_found_whatever_the_scale_of_the_features():
    log, features, truth = shop()
    assert cross_fitted(log, features, 3) == pytest.approx(truth, abs=0.25)


def test_no_row_is_predicted_by_a_model_that_was_fitted_to_its_visitor():
    log, features, _ = shop(rows=300)
    before = cross_fitted(log, features, 3)
    log.rewards[log.clusters == 5] += 100.0
    changed = np.abs(cross_fitted(log, features, 3) - before).max(axis=1) > 1e-9
    assert not changed[log.clusters == 5].any()
    assert changed.any()


def test_an_arm_never_logged_is_predicted_like_the_rest_with_a_great_doubt():
    log, features, _ = shop(rows=600)
    model = RewardModel(log, features, 4)
    predicted = model.predicted()
    assert np.isfinite(predicted).all()

    def doubt(arm):
        return model.doubt(np.tile(np.eye(4)[arm], (600, 1)), predicted)

    assert doubt(3) > 5 * doubt(0)


def test_constant_features_and_a_single_visitor_do_no_harm():
    log = Log([1.0, 2.0, 3.0, 2.0], [0, 1, 0, 1], [0.5] * 4, [9, 9, 9, 9])
    assert np.isfinite(cross_fitted(log, np.ones((4, 3)), 2)).all()
    assert np.isfinite(cross_fitted(log, np.zeros((4, 0)), 2)).all()


def test_predictions_make_doubly_robust_more_precise_than_inverse_propensity():
    log, features, truth = shop()
    log.propensities[:] = np.array([0.55, 0.15, 0.3])[log.arms]
    target = np.tile([0.2, 0.4, 0.4], (log.size, 1))
    dr, plain = doubly_robust(log, target, cross_fitted(log, features, 3)), ips(log, target)
    assert dr.standard_error < 0.5 * plain.standard_error
    assert dr.value == pytest.approx((truth * target).sum(axis=1).mean(), abs=0.1)


def test_worlds_log_what_their_policy_drew():
    worlds = adaptive(1, 2, 200, 3, "clicks")
    assert worlds.logging.min() >= 0.01 / 3 - 1e-12
    assert worlds.logging.sum(axis=2) == pytest.approx(np.ones((2, 200)))


def test_the_number_of_folds_can_be_set():
    log, features, truth = shop()
    assert RewardModel(log, features, 3, folds=3).folds == 3
    assert cross_fitted(log, features, 3, folds=3) == pytest.approx(truth, abs=0.25)
