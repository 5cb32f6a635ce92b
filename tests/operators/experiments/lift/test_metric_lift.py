"""The lift of one metric, now and over time."""

import math

import numpy as np
import pytest

from operators.experiments.lift import Units, metric_lift


def units(number, share=0.2, seed=1):
    rng = np.random.default_rng(seed)
    held_out = rng.random(number) < share
    conversion = (rng.random(number) < np.where(held_out, 0.1, 0.4)).astype(float)
    no_conflict = np.zeros(number, dtype=bool)
    at_s = np.arange(number, dtype=float)
    return Units(at_s, held_out, np.full(number, share), conversion, conversion * 20.0, no_conflict)


def test_a_metric_has_both_groups_the_lift_and_its_intervals():
    of = units(4000)
    found = metric_lift(of, of.profit)
    assert found.policy == of.profit[~of.held_out].mean()
    assert found.holdout == of.profit[of.held_out].mean()
    assert found.lower < found.lift < found.upper
    assert found.lift == pytest.approx(6.0, abs=1.0)
    assert found.excludes_zero
    assert found.lower < found.naive_lower < found.naive_upper < found.upper


def test_the_series_has_the_lift_after_each_unit_and_ends_with_the_lift_now():
    of = units(3000)
    found = metric_lift(of, of.conversion)
    assert found.series.at_s is of.at_s
    for part in (*found.series.sequence, *found.series.naive):
        assert part.shape == (3000,)
    now = [part[-1] for part in found.series.sequence]
    assert now == [found.lift, found.lower, found.upper]
    early = metric_lift(Units(*(part[:1000] for part in of)), of.conversion[:1000])
    assert found.series.sequence.upper[999] == early.upper


def test_without_units_nothing_is_known():
    of = units(0)
    found = metric_lift(of, of.profit)
    assert all(math.isnan(value) for value in found[:7])
    assert not found.excludes_zero
    one_group = units(30, share=1e-9)
    assert math.isnan(metric_lift(one_group, one_group.profit).holdout)
