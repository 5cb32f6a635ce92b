"""Both curves of the histogram calibration, and the pools they are drawn through."""

import random

import pytest

from operators.abandonment.calibration.histogram_calibration import HistogramCalibration
from operators.abandonment.calibration.tracking_calibration import log_odds


def test_the_monotone_curve_never_falls_and_the_free_one_follows_what_comes_true():
    chance, calibration = random.Random(10), HistogramCalibration()
    for _ in range(3_000):
        p = max(chance.random(), 1e-6)
        calibration.learn(log_odds(p), p, chance.random() > p)  # a model that is wrong in every prediction
    asked = (0.1, 0.3, 0.5, 0.7, 0.9)
    monotone, free = zip(*(calibration.curves(log_odds(p), p) for p in asked), strict=True)
    assert monotone == pytest.approx([0.5] * 5, abs=0.1)
    assert free == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1], abs=0.1)


def test_over_a_good_score_both_curves_stay_straight():
    chance, calibration = random.Random(11), HistogramCalibration()
    for _ in range(5_000):
        p = max(chance.random(), 1e-6)
        calibration.learn(log_odds(p), p, chance.random() < p)
    for place in range(1, 100):
        p = place / 100
        assert calibration.curves(log_odds(p), p) == pytest.approx((p, p), abs=0.04)


def test_certain_scores_stay_off_zero_and_one():
    calibration, nearly = HistogramCalibration(), 1.0 - 1e-9
    for _ in range(1_000):
        calibration.learn(log_odds(nearly), nearly, True)
    low, high = (calibration.curves(log_odds(p), p) for p in (1e-9, nearly))
    for never, always in zip(low, high, strict=True):
        assert 0.0 < never < always < 1.0


def test_curves_are_fitted_as_often_and_through_as_many_pools_as_is_set():
    chance, calibration = random.Random(12), HistogramCalibration(refit_every=7, max_pools=5)
    for turn in range(1, 701):
        before = calibration.knots
        p = max(chance.random(), 1e-6)
        calibration.learn(log_odds(p), p, chance.random() < p)
        assert (calibration.knots is not before) == (turn % 7 == 0)
    assert 3 <= len(calibration.knots) <= 5
