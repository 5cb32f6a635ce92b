"""Means per decision whose intervals respect that one visitor's decisions are not independent."""

import numpy as np
import pytest

from operators.experiments.clustered_ratio import ClusteredRatio, difference


def fed(values):
    ratio = ClusteredRatio()
    for visitor, each in values.items():
        for value in each:
            ratio.add(visitor, value)
    return ratio


def test_the_mean_is_over_decisions_and_a_correction_counts_none():
    ratio = fed({"ann": [1.0, 2.0], "bob": [3.0]})
    ratio.add("ann", 3.0, 0)
    assert (ratio.mean, ratio.count) == (3.0, 3)


def test_nothing_is_known_of_one_visitor():
    interval = fed({"ann": [1.0, 5.0, 3.0]}).interval()
    assert interval == (3.0, -np.inf, np.inf)
    assert ClusteredRatio().interval() == (0.0, -np.inf, np.inf)


def test_copies_of_a_decision_narrow_no_interval():
    rng = np.random.default_rng(1)
    once = fed({f"v{i}": [rng.normal()] for i in range(400)})
    often = ClusteredRatio()
    often.totals, often.counts = 10 * once.totals, 10 * once.counts
    assert often.interval() == pytest.approx(once.interval())


def test_the_interval_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        tastes = rng.normal(2.0, 3.0, 150)
        ratio = fed({f"v{i}": rng.normal(taste, 1.0, 4) for i, taste in enumerate(tastes)})
        _, low, high = ratio.interval()
        covered += low <= 2.0 <= high
    assert 0.9 <= covered / 200 <= 0.99


def test_pairs_find_a_difference_that_tastes_would_hide():
    rng = np.random.default_rng(3)
    tastes = rng.normal(0.0, 10.0, 300)
    one = fed({f"v{i}": [taste + 0.2 + rng.normal(0, 0.3)] for i, taste in enumerate(tastes)})
    other = fed({f"v{i}": [taste] for i, taste in enumerate(tastes)})
    mean, low, high = difference(one, other)
    assert 0.0 < low < 0.2 < high < 0.4
    assert mean == pytest.approx(one.mean - other.mean)
    assert one.interval().low < 0.0


def test_a_policy_does_not_differ_from_itself():
    ratio = fed({f"v{i}": [float(i)] for i in range(9)})
    assert difference(ratio, ratio) == (0.0, 0.0, 0.0)
