"""The rolling metrics, against their definitions."""

import math
import random

import numpy as np
import pytest
from river.metrics import RollingROCAUC

from operators.abandonment.rolling_metrics import RollingMetrics, auc, calibration_error


def test_before_any_outcome_there_are_no_figures():
    assert RollingMetrics().figures() == {}


def test_auc_waits_for_an_outcome_of_each_kind():
    metrics = RollingMetrics()
    metrics.record(0.7, True)
    assert "auc" not in metrics.figures()
    metrics.record(0.2, False)
    assert metrics.figures()["auc"] == 1.0


def test_figures_are_those_of_their_definitions():
    metrics = RollingMetrics()
    for p, y in [(0.9, True), (0.9, False), (0.3, False), (0.3, True)]:
        metrics.record(p, y)
    assert metrics.figures() == pytest.approx(
        {
            "auc": 0.5,
            "log_loss": -(math.log(0.9) + math.log(0.1) + math.log(0.7) + math.log(0.3)) / 4,
            "calibration_error": (abs(1.8 - 1) + abs(0.6 - 1)) / 4,
            "base_rate": 0.5,
        }
    )


def test_auc_counts_every_pair_and_half_of_the_ties():
    chance = random.Random(1)
    p = [chance.randrange(20) / 20 for _ in range(200)]
    y = [chance.random() < q for q in p]
    pairs = [(a, b) for a, t in zip(p, y, strict=True) for b, f in zip(p, y, strict=True) if t and not f]
    exact = sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs)
    assert auc(np.array(p), np.array(y)) == pytest.approx(exact)


def test_only_the_window_counts_as_in_river():
    chance, ours, river = random.Random(2), RollingMetrics(window=50), RollingROCAUC(window_size=50)
    for _ in range(333):
        p = chance.random()
        y = chance.random() < p
        ours.record(p, y)
        river.update(y, p)
    assert ours.figures()["auc"] == pytest.approx(river.get())
    assert ours.count == 333


def test_a_probability_of_one_belongs_to_the_last_bin():
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, False])) == 0.5


@pytest.mark.parametrize("count", [0, 3, 5, 12])
def test_a_window_is_saved_and_loaded_again(count):
    metrics = RollingMetrics(window=5)
    for turn in range(count):
        metrics.record(turn / 20, turn % 2 == 0)
    again = RollingMetrics.load(metrics.state())
    assert again.figures() == metrics.figures()
    for window in (metrics, again):
        window.record(0.9, False)
    assert again.state() == metrics.state()
