"""Pools of outcomes: of about equal size, each with a few outcomes of either kind, old ones fading."""

import random

import pytest

from operators.abandonment.calibration.pools import BINS, OutcomeBins, Pool
from operators.abandonment.calibration.tracking_calibration import log_odds


def filled(predictions, count, seed=1):
    """Bins of a forecaster that is right, and the number of outcomes that were True."""
    chance, bins, true = random.Random(seed), OutcomeBins(), 0
    for _ in range(count):
        p = predictions(chance)
        y = chance.random() < p
        true += y
        bins.add(log_odds(p), p, y, 1.0)
    return bins, true


def test_every_outcome_is_in_one_pool_and_pools_ascend():
    bins, true = filled(lambda chance: chance.uniform(0.05, 0.95), 2_000)
    pools = bins.pools(20)
    assert 15 <= len(pools) <= 20
    assert sum(pool.size for pool in pools) == 2_000
    assert sum(pool.true for pool in pools) == true
    means = [pool.mean for pool in pools]
    assert means == sorted(means)
    assert all(pool.size >= 50 for pool in pools)


def test_where_one_outcome_is_rare_pools_are_few():
    bins, _ = filled(lambda chance: chance.uniform(0.001, 0.01), 2_000)
    pools = bins.pools(20)
    assert 1 <= len(pools) <= 6
    assert all(pool.predicted >= 2 for pool in pools)


def test_a_pool_tells_once_a_few_of_a_kind_were_expected_or_many_came():
    assert not Pool(100.0, 1.0, 1.0).is_telling(50)
    assert Pool(100.0, 2.0, 0.0).is_telling(50)
    assert Pool(100.0, 1.0, 10.0).is_telling(50)
    assert not Pool(40.0, 20.0, 20.0).is_telling(50)
    assert not Pool(100.0, 99.0, 99.0).is_telling(50)


def test_old_outcomes_count_less():
    bins = OutcomeBins()
    bins.add(0.0, 0.5, True, 2.0)
    bins.decay(0.25)
    assert bins.pools(20) == [Pool(0.5, 0.25, 0.5)]


@pytest.mark.parametrize(("log_odds_at", "place"), [(-99.0, 0), (99.0, BINS - 1), (0.0, BINS // 2)])
def test_the_furthest_log_odds_are_in_the_last_bins(log_odds_at, place):
    bins = OutcomeBins()
    bins.add(log_odds_at, 0.5, False, 1.0)
    assert bins.counts[place] == 1.0
