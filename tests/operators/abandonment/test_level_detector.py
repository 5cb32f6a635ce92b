"""A level detector reports what is certain and far, and nothing else."""

import pickle
import random

import pytest

from operators.abandonment.level_detector import LevelDetector, LevelSettings


def changes(levels, seed=1, only_up=False, settings=None):
    chance, detector = random.Random(seed), LevelDetector(settings or LevelSettings(), only_up)
    found = [(turn, detector.update(chance.random() < level)) for turn, level in enumerate(levels)]
    return [(turn, change) for turn, change in found if change is not None]


def test_a_steady_level_is_never_reported():
    assert changes([0.4] * 10_000) == []


def test_a_level_that_moved_far_is_reported_with_both_levels():
    ((turn, (before, after)),) = changes([0.3] * 1_500 + [0.7] * 500)
    assert 1_500 < turn < 1_700
    assert before == pytest.approx(0.3, abs=0.05)
    assert after == pytest.approx(0.7, abs=0.15)


def test_a_certain_change_that_is_small_is_not_reported():
    levels = [0.3] * 3_000 + [0.37] * 6_000
    assert changes(levels) == []
    assert len(changes(levels, settings=LevelSettings(least_shift=0.03))) == 1


def test_where_only_a_rise_counts_a_fall_sets_the_level():
    levels = [0.5] * 1_500 + [0.1] * 1_500 + [0.5] * 500
    ((turn, (before, _)),) = changes(levels, only_up=True)
    assert turn > 3_000
    assert before == pytest.approx(0.1, abs=0.05)


def test_settings_that_detectors_share_are_written_down_once():
    settings = LevelSettings()
    one, two = ([LevelDetector(settings) for _ in range(count)] for count in (1, 2))
    assert b"LevelSettings" in pickle.dumps(one)
    assert pickle.dumps(two).count(b"LevelSettings") == 1
