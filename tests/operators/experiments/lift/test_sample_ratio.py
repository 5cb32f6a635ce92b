"""The sample ratio mismatch test: whether units were lost or assigned otherwise."""

import numpy as np
import pytest

from operators.experiments.lift.sample_ratio import sample_ratio_test


def test_a_holdout_as_large_as_configured_is_no_alarm():
    found = sample_ratio_test(505, 10_000, 0.05)
    assert (found.units, found.held_out, found.expected, found.p_value) == (10_000, 505, 500.0, 1.0)


@pytest.mark.parametrize("held_out", [380, 630])
def test_a_holdout_too_small_or_too_large_is_found(held_out):
    assert sample_ratio_test(held_out, 10_000, 0.05).p_value < 0.001


def test_looking_all_the_time_raises_few_false_alarms_and_finds_a_loss_soon():
    rng = np.random.default_rng(9)
    looks = np.arange(250, 15_001, 250)
    false_alarms = seen = 0
    for _ in range(100):
        held_out = np.cumsum(rng.random(15_000) < 0.1)
        lost = np.cumsum(rng.random(15_000) < 0.085)
        false_alarms += any(sample_ratio_test(held_out[n - 1], n, 0.1).p_value < 0.05 for n in looks)
        seen += any(sample_ratio_test(lost[n - 1], n, 0.1).p_value < 0.05 for n in looks)
    assert false_alarms <= 8
    assert seen >= 85


def test_shares_that_were_configured_one_after_the_other_count_together():
    fine = sample_ratio_test([50, 200], [1000, 2000], [0.05, 0.1])
    assert (fine.units, fine.held_out, fine.expected, fine.p_value) == (3000, 250, 250.0, 1.0)
    swapped = sample_ratio_test([200, 100], [2000, 2000], [0.05, 0.1])
    assert swapped.p_value < 1e-6


def test_without_units_there_is_no_evidence():
    assert sample_ratio_test(0, 0, 0.05).p_value == 1.0
    assert sample_ratio_test([], [], []) == (0, 0, 0.0, 1.0)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_that_holds_out_nobody_or_everybody_is_refused(share):
    with pytest.raises(ValueError, match=f"share must be above 0 and below 1; got {share}"):
        sample_ratio_test(1, 2, share)


def test_a_greater_concentration_finds_smaller_mismatches_with_many_units():
    found = [sample_ratio_test(5250, 100_000, 0.05, concentration=each).p_value for each in (10.0, 100_000.0)]
    assert found[1] < found[0]
