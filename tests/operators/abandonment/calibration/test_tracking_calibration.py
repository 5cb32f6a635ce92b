"""Tracking: errors stay bounded, and a forecaster that is right is left alone."""

import random

import pytest

from operators.abandonment.calibration.tracking_calibration import TrackingCalibration, log_odds


def test_the_sum_of_errors_around_a_probability_is_bounded_however_long_it_goes_on():
    chance, tracking, missed = random.Random(13), TrackingCalibration(), 0.0
    for turn in range(40_000):
        if turn == 20_000:
            halfway = missed
        y = chance.random() < 0.7
        missed += y - tracking.calibrated(0.4)
        tracking.learn(0.4, y)
    assert tracking.calibrated(0.4) == pytest.approx(0.7, abs=0.06)
    assert missed == pytest.approx(tracking.error_sums[4])
    assert missed == pytest.approx(halfway, abs=40.0)
    assert missed < 0.01 * 40_000


def test_what_chance_explains_hardly_moves_a_probability():
    chance, tracking = random.Random(14), TrackingCalibration()
    moved = 0.0
    for _ in range(10_000):
        p = chance.choice([0.3, 0.5, 0.7])
        tracking.learn(p, chance.random() < p)
        moved += abs(log_odds(tracking.calibrated(p)) - log_odds(p))
    assert moved / 10_000 < 0.06


def test_certain_scores_stay_off_one():
    tracking = TrackingCalibration()
    for _ in range(1_000):
        tracking.learn(0.999, True)
    assert 0.999 <= tracking.calibrated(0.999) < 1.0
