"""Intervals contain the truth as often as they should, and respect clusters."""

import math
from functools import cache

import numpy as np
import pytest

from operators.evaluation import Log, cross_fitted, doubly_robust, effective_sample_size, ips, snips
from operators.evaluation.intervals import Influence, clustered_interval
from tests.logged_worlds import KINDS, adaptive

ARMS = 4
WORLDS = 100
"""Of each kind: three hundred in all."""


@cache
def hits():
    """For each estimator and policy, in which worlds the interval contains the truth."""
    found = {}
    for kind in KINDS:
        worlds = adaptive(11, WORLDS, 1000, ARMS, kind)
        for world in range(WORLDS):
            log = worlds.log(world)
            predicted = cross_fitted(log, worlds.contexts(world), ARMS)
            for policy, (target, truth) in worlds.targets(world, visits=4000).items():
                for each in (ips(log, target), snips(log, target), doubly_robust(log, target, predicted)):
                    held = each.low <= truth <= each.high
                    found.setdefault(each.estimator, {}).setdefault(policy, []).append(held)
    return found


@pytest.mark.parametrize("estimator", ["ips", "snips", "doubly_robust"])
def test_in_300_adaptively_logged_worlds_93_percent_of_the_intervals_contain_the_truth(estimator):
    for held in hits()[estimator].values():
        assert len(held) == 300
        assert np.mean(held) >= 0.93


def simple(scores, clusters, weights=None, mass=1.0):
    scores = np.asarray(scores, dtype=float)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    return clustered_interval(
        0.0, Influence(scores, weights, np.zeros(len(scores)), np.asarray(clusters), mass)
    )


def test_rows_of_one_visitor_are_not_independent():
    rng = np.random.default_rng(1)
    scores = np.repeat(rng.normal(size=200), 5)
    scores -= scores.mean()
    alone = simple(scores, np.arange(1000))
    together = simple(scores, np.repeat(np.arange(200), 5))
    assert together.standard_error == pytest.approx(alone.standard_error * 5**0.5, rel=0.01)


def test_one_visitor_alone_gives_no_interval():
    assert simple([1.0, -1.0], [0, 0]) == (math.inf, -math.inf, math.inf)


def test_one_heavy_row_widens_the_interval():
    even = simple([1.0, -1.0] * 50, np.arange(100))
    heavy = simple([1.0, -1.0] * 50, np.arange(100), [1000.0] + [1.0] * 99, None)
    assert heavy.high > 8 * even.high


def test_weights_that_do_not_average_one_widen_the_interval():
    arms = np.zeros(1000, dtype=int)
    log = Log(np.ones(1000), arms, np.full(1000, 0.5))
    target = np.tile([0.2, 0.8], (1000, 1))
    found = ips(log, target)
    assert found.value == pytest.approx(0.4)
    assert found.high >= 1.0


def test_an_arm_that_was_never_rewarded_is_not_known_to_earn_nothing():
    arms = np.array([1] * 40 + [0] * 960)
    rewards = np.where(arms == 1, 0.0, np.arange(1000) % 10 == 0)
    log = Log(rewards, arms, np.where(arms == 1, 0.04, 0.96))
    found = ips(log, np.tile([0.0, 1.0], (1000, 1)))
    assert found.value == 0.0
    assert found.high > 0.02


def test_equal_weights_are_worth_all_their_rows():
    assert effective_sample_size(np.full(7, 3.0)) == pytest.approx(7.0)
    assert effective_sample_size(np.zeros(7)) == 0.0
