"""Intervals for the lift: the confidence sequence is anytime-valid, the naive interval is not."""

import numpy as np
import pytest

from operators.experiments.lift.confidence_sequence import START, confidence_sequence
from operators.experiments.lift.naive import naive_intervals

RUNS, CHUNK = 400, 50


def shopping(rng, share, units, chance, *, chance_held_out=None, spread=1.0):
    """Who is held out, who orders, and what that earns: a lognormal profit of 25 on average."""
    held_out = rng.random((CHUNK, units)) < share
    chances = np.where(held_out, chance if chance_held_out is None else chance_held_out, chance)
    ordered = (rng.random((CHUNK, units)) < chances).astype(float)
    profit = 25.0 * np.exp(spread * rng.standard_normal((CHUNK, units)) - spread**2 / 2)
    return held_out, ordered, ordered * profit


def ever_outside(intervals, true=0.0, looked_at=True):
    """In which runs an interval that was looked at excluded the truth."""
    return (((intervals.lower > true) | (intervals.upper < true)) & looked_at).any(axis=-1)


@pytest.mark.parametrize(
    ("share", "chance", "spread"), [(0.05, 0.04, 1.0), (0.05, 0.10, 2.0), (0.1, 0.15, 1.0)]
)
def test_without_an_effect_at_most_one_run_in_twenty_ever_excludes_zero_but_many_naive_ones_do(
    share, chance, spread
):
    rng = np.random.default_rng(7)
    wrong = {"conversion": 0, "profit": 0, "naive conversion": 0, "naive profit": 0}
    for _ in range(RUNS // CHUNK):
        held_out, *values = shopping(rng, share, 5000, chance, spread=spread)
        for name, value in zip(("conversion", "profit"), values, strict=True):
            sequence = confidence_sequence(value, held_out, share)
            begun = np.isfinite(sequence.lower)
            wrong[name] += ever_outside(sequence).sum()
            wrong[f"naive {name}"] += ever_outside(naive_intervals(value, held_out), looked_at=begun).sum()
    assert wrong["conversion"] <= 0.05 * RUNS
    assert wrong["profit"] <= 0.05 * RUNS
    assert wrong["naive conversion"] >= 0.2 * RUNS
    assert wrong["naive profit"] >= 0.2 * RUNS


def test_the_inequality_it_rests_on_holds_for_every_number():
    numbers = np.linspace(-60, 60, 1_000_001)
    assert (np.exp(numbers - numbers**2 / 6) <= 1 + numbers + numbers**2 / 3 + 1e-12).all()


def test_a_true_effect_stays_inside_and_is_found():
    rng = np.random.default_rng(3)
    outside, found, runs = np.zeros(2), np.zeros(2), 4 * CHUNK
    for _ in range(4):
        held_out, *values = shopping(rng, 0.1, 9000, 0.14, chance_held_out=0.07)
        for at, (value, true) in enumerate(zip(values, (0.07, 0.07 * 25), strict=True)):
            sequence = confidence_sequence(value, held_out, 0.1)
            outside[at] += ever_outside(sequence, true).sum()
            found[at] += (sequence.lower[:, -1] > 0).sum()
    assert (outside <= 0.05 * runs).all()
    assert (found >= [0.95 * runs, 0.6 * runs]).all()


def test_the_naive_interval_holds_for_a_look_that_was_fixed_in_advance():
    rng = np.random.default_rng(5)
    held_out, ordered, _ = shopping(rng, 0.1, 4000, 0.1)
    last = naive_intervals(ordered, held_out)
    outside = (last.lower[:, -1] > 0) | (last.upper[:, -1] < 0)
    assert outside.mean() <= 0.16


def test_the_estimate_is_policy_minus_holdout_whatever_the_share():
    rng = np.random.default_rng(1)
    held_out, ordered, _ = shopping(rng, 0.3, 20_000, 0.2, chance_held_out=0.1)
    for name in (confidence_sequence(ordered, held_out, 0.3), naive_intervals(ordered, held_out)):
        assert name.estimate[:, -1] == pytest.approx(np.full(CHUNK, 0.1), abs=0.03)


def test_each_unit_may_have_a_share_of_its_own():
    rng = np.random.default_rng(2)
    share = np.where(np.arange(40_000) < 20_000, 0.05, 0.4)
    held_out = rng.random(40_000) < share
    # Later units order more often, and more of them are held out: the plain difference would be wrong.
    ordered = (rng.random(40_000) < np.where(share < 0.1, 0.05, 0.25)).astype(float)
    assert abs(confidence_sequence(ordered, held_out, share).estimate[-1]) < 0.02
    assert naive_intervals(ordered, held_out).estimate[-1] < -0.05


def test_the_currency_does_not_matter():
    held_out, _, profit = shopping(np.random.default_rng(4), 0.1, 3000, 0.1)
    euros, cents = (confidence_sequence(each, held_out, 0.1) for each in (profit, 100 * profit))
    assert np.allclose(euros.lower * 100, cents.lower)


def test_an_interval_is_infinite_before_enough_units_ordered():
    ordered = np.zeros(200)
    ordered[1::2] = 1.0
    held_out = np.arange(200) % 3 == 0
    found = confidence_sequence(ordered, held_out, 0.33)
    assert np.isinf(found.upper[: 2 * START - 1]).all()
    assert np.isfinite(found.upper[2 * START - 1 :]).all()
    assert (found.lower[2 * START - 1 :] < found.estimate[2 * START - 1 :]).all()
    assert np.isinf(naive_intervals(ordered, held_out).upper[:3]).all()


@pytest.mark.parametrize("values", [np.zeros(100), np.zeros(0), np.ones(1)])
def test_no_orders_and_no_units_are_no_errors(values):
    held_out = np.arange(values.size) % 2 == 0
    found = confidence_sequence(values, held_out, 0.5)
    assert not np.isfinite(found.lower).any()
    assert naive_intervals(values, held_out).lower.shape == values.shape


def test_a_smaller_alpha_is_a_wider_interval():
    held_out, ordered, _ = shopping(np.random.default_rng(6), 0.2, 2000, 0.2)
    wide, narrow = (confidence_sequence(ordered[0], held_out[0], 0.2, alpha) for alpha in (0.01, 0.1))
    assert wide.upper[-1] > narrow.upper[-1] > narrow.estimate[-1]


def test_an_interval_can_begin_earlier_and_be_tightest_at_other_numbers():
    held_out, ordered, _ = shopping(np.random.default_rng(6), 0.2, 4000, 0.2)
    early = confidence_sequence(ordered[0], held_out[0], 0.2, start=10)
    assert (
        np.isfinite(early.lower).sum()
        > np.isfinite(confidence_sequence(ordered[0], held_out[0], 0.2).lower).sum()
    )
    soon, late = (confidence_sequence(ordered[0], held_out[0], 0.2, planned=each) for each in (500, 50_000))
    widths = [each.upper - each.lower for each in (soon, late)]
    assert widths[0][600] < widths[1][600]
    assert confidence_sequence(ordered[0], held_out[0], 0.2, planned=4000).upper[-1] < late.upper[-1]
