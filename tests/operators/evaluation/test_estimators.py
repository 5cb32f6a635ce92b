"""Estimates are those of the reference library, and an invalid log is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from operators.evaluation import Log, clipped_ips, direct, doubly_robust, ips, mean_reward, replay, snips
from schemas.errors import SetupError

GOLDEN = json.loads((Path(__file__).parent / "obp.json").read_text())

LOG = Log([4.0, 0.0, 1.0, 0.0], [0, 1, 1, 0], [0.5, 0.5, 0.25, 0.8])
ALWAYS_SECOND = np.array([[0.0, 1.0]] * 4)
EVEN = np.full((4, 2), 0.5)


def estimates(case):
    log = Log(case["rewards"], case["arms"], case["propensities"])
    target, predicted = case["target"], case["predicted"]
    return {
        "replay": replay(log, target),
        "ips": ips(log, target),
        "clipped_ips": clipped_ips(log, target, GOLDEN["clip"]),
        "snips": snips(log, target),
        "direct": direct(log, target, predicted),
        "doubly_robust": doubly_robust(log, target, predicted),
    }


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_estimates_equal_those_of_the_open_bandit_pipeline(case):
    found = estimates(case)
    for name, value in case["obp"].items():
        assert found[name].estimator == name
        assert found[name].value == pytest.approx(value, abs=1e-6)


def test_a_rare_arm_counts_for_the_times_it_was_not_drawn():
    found = ips(LOG, ALWAYS_SECOND)
    assert found.value == pytest.approx((0.0 * 2 + 1.0 * 4) / 4)
    assert found.largest_weight == pytest.approx(4.0)
    assert found.effective_sample_size == pytest.approx(36 / 20)
    assert snips(LOG, ALWAYS_SECOND).value == pytest.approx(4 / 6)
    assert replay(LOG, ALWAYS_SECOND).value == pytest.approx(0.5)


def test_clipping_is_biased_towards_zero_and_its_interval_shows_it():
    rng = np.random.default_rng(4)
    arms = (rng.random(4000) < 0.02).astype(int)
    log = Log(np.ones(4000), arms, np.where(arms == 1, 0.02, 0.98))
    target = np.tile([0.0, 1.0], (4000, 1))
    found = clipped_ips(log, target, 10.0)
    assert found.value < 0.35
    assert found.high > 0.9
    assert clipped_ips(log, target).value == ips(log, target).value


def test_a_policy_like_the_logged_one_has_the_value_that_was_earned():
    even = Log([4.0, 0.0, 1.0, 0.0], [0, 1, 1, 0], [0.5] * 4)
    for estimate in (ips, snips, replay, clipped_ips):
        assert estimate(even, EVEN).value == pytest.approx(mean_reward("logged", even).value)


def test_right_predictions_leave_doubly_robust_nothing_to_correct():
    predicted = np.array([[4.0, 9.0], [7.0, 0.0], [3.0, 1.0], [0.0, 5.0]])
    expected = predicted.mean()
    assert direct(LOG, EVEN, predicted).value == pytest.approx(expected)
    assert doubly_robust(LOG, EVEN, predicted).value == pytest.approx(expected)


def test_an_arm_never_logged_has_no_value_and_no_limits():
    log = Log([1.0, 2.0, 3.0], [0, 0, 0], [0.5, 0.5, 0.5])
    target = np.tile([0.0, 1.0], (3, 1))
    for estimate in (ips, snips, replay):
        found = estimate(log, target)
        assert (found.low, found.high, found.effective_sample_size) == (-math.inf, math.inf, 0.0)
    assert math.isnan(snips(log, target).value)


def test_an_unsure_model_widens_the_direct_interval():
    predicted = np.ones((4, 2))
    sure, unsure = direct(LOG, EVEN, predicted), direct(LOG, EVEN, predicted, doubt=0.5)
    assert sure.high - sure.low == pytest.approx(0.0)
    assert unsure.high - unsure.low > 4 * 0.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([], np.zeros(0), []), "a log must have at least one row; got none"),
        (([1.0], [0, 1], [0.5]), r"must be equally long; got \(1, 2, 1, 1\)"),
        (([1.0, math.nan], [0, 1], [0.5, 0.5]), "rewards must be finite numbers; row 1 is not"),
        (([1.0], [-1], [0.5]), "arms must be whole numbers from 0; row 0 is not"),
        (([1.0], [0.5], [0.5]), "arms must be whole numbers from 0; row 0 is not"),
        (([1.0], [math.nan], [0.5]), "arms must be whole numbers from 0; row 0 is not"),
        (([1.0], ["ten"], [0.5]), "arms must be whole numbers from 0; got <U3"),
        (([1.0, 1.0], [0, 1], [0.5, 0.0]), "propensities must be above 0 and at most 1; row 1 has 0"),
        (([1.0], [0], [1.5]), "propensities must be above 0 and at most 1; row 0 has 1.5"),
        (([1.0], [0], [0.5], None, [[0.5, 0.6]]), "each row of logging must be probabilities that sum to 1"),
    ],
)
def test_an_invalid_log_is_refused_in_words(given, words):
    with pytest.raises(SetupError, match=words):
        Log(*given)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ([[0.5, 0.4]] * 4, "each row of target must be probabilities that sum to 1; row 0 is"),
        ([[1.5, -0.5]] * 4, "each row of target must be probabilities that sum to 1"),
        ([[0.5, 0.5]] * 3, r"target must have 4 rows and 2 or more arms; got \(3, 2\)"),
        ([[1.0]] * 4, r"target must have 4 rows and 2 or more arms; got \(4, 1\)"),
        ([[math.nan, 1.0]] * 4, "target must be finite; row 0 is not"),
    ],
)
def test_an_invalid_target_is_refused_in_words(target, words):
    with pytest.raises(SetupError, match=words):
        ips(LOG, target)


def test_predictions_of_another_shape_are_refused():
    with pytest.raises(SetupError, match=r"predicted must have 4 rows and 2 or more arms; got \(4,\)"):
        doubly_robust(LOG, EVEN, [1.0] * 4)


@pytest.mark.parametrize("clip", [0.0, -1.0, math.nan])
def test_a_clip_that_leaves_nothing_is_refused(clip):
    with pytest.raises(SetupError, match="clip must be a number above 0"):
        clipped_ips(LOG, EVEN, clip)
