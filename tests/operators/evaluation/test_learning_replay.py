"""A policy that keeps learning is evaluated on the rows it would have chosen itself."""

import numpy as np
import pytest

from operators.evaluation import Row, parse_target
from operators.evaluation.learning_replay import LearningReplay, replay_learning

ARMS = ("no_offer", "ten")


def logged(shares, rows=3000, seed=5):
    """Phones like the offer and desktops do not; ``shares`` is the logged chance of the offer by device."""
    rng = np.random.default_rng(seed)
    for at in range(rows):
        device = ("phone", "desktop")[int(rng.integers(2))]
        chance = shares[device]
        arm = ARMS[int(rng.random() < chance)]
        gain = {"phone": 2.0, "desktop": 0.0}[device] if arm == "ten" else 1.0
        propensity = chance if arm == "ten" else 1 - chance
        logging = {"no_offer": 1 - chance, "ten": chance}
        yield Row(arm, propensity, gain + rng.normal() / 10, f"v{at}", ARMS, {"device": device}, at, logging)


@pytest.mark.parametrize("shares", [{"phone": 0.5, "desktop": 0.5}, {"phone": 0.2, "desktop": 0.7}])
def test_a_learning_policy_has_the_value_it_would_have_earned_however_the_log_was_drawn(shares):
    found = replay_learning(parse_target("learning:epsilon_greedy:floor=0.2"), list(logged(shares)))
    # nine times in ten the right arm, 2 for phones and 1 for desktops, else 1 and 0
    assert found.estimate.value == pytest.approx(0.9 * 1.5 + 0.1 * 0.5, abs=0.12)
    assert found.estimate.low <= 1.4 <= found.estimate.high
    assert found.capped == 0.0
    assert found.taken > 300


def test_half_of_the_rows_fit_where_two_arms_were_drawn_evenly():
    rows = list(logged({"phone": 0.5, "desktop": 0.5}, rows=1000))
    assert replay_learning(parse_target("learning:linucb"), rows).taken == pytest.approx(500, abs=80)


def test_rows_that_should_count_more_than_once_are_reported():
    rows = list(logged({"phone": 0.001, "desktop": 0.001}))
    assert replay_learning(parse_target("learning:epsilon_greedy"), rows).capped > 0.0


def test_a_log_without_a_row_it_would_choose_has_no_estimate():
    rows = [Row("ten", 1.0, 0.0, "v", ARMS, {}, 0)]
    assert replay_learning(parse_target("learning:epsilon_greedy"), rows, seed=0) == LearningReplay(
        None, 0, 0.0
    )
    assert replay_learning(parse_target("learning:epsilon_greedy"), rows, seed=1).taken == 1
