"""Running means and deviations of one number, under the signed log and as it is."""

import math
import pickle
import random

import numpy as np
import pytest

from operators.abandonment.models.number_statistics import NumberStatistics, signed_log1p


def updated(values, memory=20_000):
    found = NumberStatistics("price", values[0])
    for value in values[1:]:
        found.update(value, signed_log1p(value), memory)
    return found


def test_mean_and_variance_are_exact_up_to_the_memory():
    chance = random.Random(1)
    values = [chance.gauss(0, 30) for _ in range(500)]
    found, logs = updated(values), [signed_log1p(value) for value in values]
    assert (found.count, found.mean, found.variance) == pytest.approx((500, np.mean(logs), np.var(logs)))
    assert (found.raw_mean, found.raw_variance) == pytest.approx((np.mean(values), np.var(values)))
    assert (found.scale, found.raw_scale) == pytest.approx((1 / np.std(logs), 1 / np.std(values)))


def test_a_number_that_never_changed_has_no_scale():
    found = updated([7.0] * 20)
    assert (found.scale, found.raw_scale) == (0.0, 0.0)


def test_a_number_beyond_all_bounds_is_still_squared():
    found = updated([1.0, 1e300, -1e300])
    assert math.isfinite(found.raw_variance)
    assert found.raw_scale > 0.0


def test_a_copy_is_the_same_in_everything():
    found = updated([1.0, 4.0, 9.0])
    copy = pickle.loads(pickle.dumps(found))
    assert all(getattr(copy, name) == getattr(found, name) for name in NumberStatistics.__slots__)
