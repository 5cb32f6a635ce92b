"""Draws that can be repeated."""

import itertools

import pytest

from operators.bandits.sampling import pick, uniform


def test_nearby_seeds_give_unrelated_numbers():
    numbers = [uniform(seed) for seed in range(10_000)]
    assert sum(numbers) / 10_000 == pytest.approx(0.5, abs=0.01)
    rising = sum(low < high for low, high in itertools.pairwise(numbers))
    assert rising / 10_000 == pytest.approx(0.5, abs=0.02)


def test_an_arm_is_picked_by_its_share_of_the_unit_interval():
    shares = {"a": 0.25, "b": 0.0, "c": 0.75}
    assert [pick(shares, u) for u in (0.0, 0.2499, 0.25, 0.9999, 1.0)] == ["a", "a", "c", "c", "c"]


def test_without_an_arm_nothing_can_be_picked():
    with pytest.raises(ValueError, match="expected at least one arm to pick from; got none"):
        pick({}, 0.5)
