"""Page's test: a change of a share is reported soon, with its size, a steady one never."""

import random

import pytest

from operators.abandonment.cusum import Cusum


def changes(shares, seed=1, **settings):
    chance, cusum = random.Random(seed), Cusum(**settings)
    found = [(turn, cusum.update(chance.random() < share)) for turn, share in enumerate(shares)]
    return [(turn, change) for turn, change in found if change is not None]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_steady_share_is_no_change(share):
    assert changes([share] * 20_000) == []


@pytest.mark.parametrize(("before", "after"), [(0.7, 0.97), (0.7, 0.3)])
def test_a_share_that_moved_is_reported_once_with_its_size(before, after):
    ((turn, (was, now)),) = changes([before] * 2_000 + [after] * 2_000)
    assert 2_000 < turn < 2_150
    assert was == pytest.approx(before, abs=0.05)
    assert now == pytest.approx(after, abs=0.08)


def test_a_lower_threshold_reports_sooner():
    shares = [0.7] * 1_000 + [0.97] * 200
    ((sooner, _),), ((later, _),) = (changes(shares, threshold=nats) for nats in (8.0, 12.0))
    assert 1_000 < sooner < later


def test_during_the_warm_up_nothing_is_reported():
    assert changes([0.1] * 400 + [0.9] * 400, warm_up=1_000) == []
