"""A challenger wins by predicting better, and is given up if it never does."""

import pytest

from operators.abandonment.challenger import Challenger
from tests.operators.abandonment.fakes import FixedClassifier


def test_a_challenger_that_is_no_better_is_given_up():
    challenger = Challenger(FixedClassifier(0.3))
    for turn in range(3_000):
        assert not challenger.is_over
        challenger.learn({}, turn % 2 == 0, 1.0, 0.5)
        assert not challenger.has_won
    assert challenger.is_over


def test_a_challenger_that_is_better_wins_once_it_has_learned_enough():
    challenger = Challenger(FixedClassifier(0.7), min_updates=40)
    for turn in range(40):
        assert not challenger.has_won
        challenger.learn({}, turn % 10 < 7, 1.0, 0.5)
    assert challenger.lead == pytest.approx(0.0823, abs=0.001)
    assert challenger.has_won
