"""A log that knows too little of a policy is reported as such."""

import numpy as np
import pytest

from operators.evaluation import Log, overlap


def drawn(chance, rows=2000, arms=2, **more):
    """A log in which the last arm was drawn with that chance."""
    rng = np.random.default_rng(2)
    chances = np.append(np.full(arms - 1, (1 - chance) / (arms - 1)), chance)
    chosen = rng.choice(arms, size=rows, p=chances)
    return Log(np.ones(rows), chosen, chances[chosen], **more)


def always(arm, rows=2000, arms=2):
    return np.tile(np.eye(arms)[arm], (rows, 1))


def test_an_arm_drawn_often_is_known_well_enough():
    found = overlap(drawn(0.3), always(1))
    assert found.verdict == "enough"
    assert not found.warnings
    assert found.mean_weight == pytest.approx(1.0, abs=0.1)
    assert found.matching_rows == pytest.approx(600, abs=60)


def test_an_arm_drawn_rarely_is_known_a_little():
    found = overlap(drawn(0.03), always(1))
    assert found.verdict == "little"
    assert "the log is worth only" in found.warnings[0]


def test_an_arm_hardly_ever_drawn_is_not_known():
    found = overlap(drawn(0.002), always(1))
    assert found.verdict == "too little"
    assert "with fewer than 30 nothing can be said" in found.warnings[0]


def test_missing_rows_show_in_the_mean_weight():
    log = Log(np.ones(200), np.zeros(200, dtype=int), np.full(200, 0.9))
    found = overlap(log, np.tile([0.3, 0.7], (200, 1)))
    assert found.verdict == "too little"
    assert "the weights average 0.333 instead of 1" in found.warnings[0]
    assert overlap(log, np.tile([0.65, 0.35], (200, 1))).verdict == "little"


def test_arms_the_log_never_draws_are_reported_where_that_is_known():
    logging = np.tile([0.5, 0.5, 0.0], (2000, 1))
    log = drawn(0.5, arms=2, logging=logging)
    found = overlap(log, np.tile([0.4, 0.4, 0.2], (2000, 1)))
    assert found.unlogged == pytest.approx(0.2)
    assert found.verdict == "too little"
    assert "20% of its choices are arms that were never drawn" in found.warnings[0]
