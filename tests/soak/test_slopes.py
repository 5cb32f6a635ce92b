"""What grows is found, what only moves is not."""

import random

import pytest

from tests.soak.slopes import Slope, slope


def course(growth_per_hour, *, noise=0.05, hours=0.25, every_s=5.0, seed=1):
    """Samples of a figure of about 200 that grows by a share of itself an hour; neighbours are alike."""
    rng, drifting, found = random.Random(seed), 0.0, []
    for number in range(int(hours * 3600 / every_s)):
        at_s = number * every_s
        drifting = 0.7 * drifting + rng.gauss(0, noise)
        found.append((at_s, 200 * (1 + growth_per_hour * at_s / 3600) * (1 + drifting)))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_what_only_moves_does_not_grow(seed):
    assert not slope(course(0.0, seed=seed)).grows(0.2)


@pytest.mark.parametrize("seed", range(20))
def test_what_grows_by_its_own_size_in_an_hour_does(seed):
    found = slope(course(1.0, seed=seed, noise=0.02))
    assert found.grows(0.2)
    assert 0.4 < found.growth < 1.6


def test_some_odd_samples_change_nothing():
    samples = course(0.0, noise=0.001)
    odd = [(at_s, value * 50 if n % 10 == 9 else value) for n, (at_s, value) in enumerate(samples)]
    assert not slope(odd).grows(0.02)
    grown = course(1.0, noise=0.001)
    odd = [(at_s, 0.0 if n % 10 == 0 else value) for n, (at_s, value) in enumerate(grown)]
    assert slope(odd).grows(0.5)


def test_what_is_nothing_does_not_grow_and_too_little_is_not_judged():
    assert not slope([(n, 0.0) for n in range(50)]).grows(0.0)
    assert not slope([(0.0, 1.0), (1.0, 2.0)]).is_known
    assert slope([]) == Slope(0.0, 0.0, 0.0, 0.0, 0)
    assert slope([(n, 5.0) for n in range(6)]).is_known


def test_a_saw_does_not_grow():
    assert not slope([(n, 100.0 + n % 37) for n in range(900)]).grows(0.2)
