"""The stack begins as the mean of its models and learns what each adds."""

import random

import pytest

from operators.abandonment.models.stack import Stack, log_odds
from tests.operators.abandonment.fakes import sigmoid


def test_before_any_update_it_is_the_mean_of_the_log_odds():
    assert Stack(2).probability([sigmoid(1.0), sigmoid(3.0)]) == pytest.approx(sigmoid(2.0))


def test_models_that_each_know_half_are_added_up():
    chance, stack = random.Random(1), Stack(2)
    for _ in range(5_000):
        one, other = chance.gauss(0, 1), chance.gauss(0, 1)
        stack.predict_then_learn([sigmoid(one), sigmoid(other)], chance.random() < sigmoid(one + other), 1.0)
    assert stack.probability([sigmoid(1.0), sigmoid(1.0)]) == pytest.approx(sigmoid(2.0), abs=0.05)
    assert stack.probability([sigmoid(-1.0), sigmoid(1.0)]) == pytest.approx(0.5, abs=0.05)


def test_an_update_returns_the_prediction_before_it_and_one_without_weight_changes_nothing():
    stack = Stack(2)
    for w in (1.0, 0.0):
        before = stack.probability([0.3, 0.8])
        assert stack.predict_then_learn([0.3, 0.8], True, w) == before
        assert (stack.probability([0.3, 0.8]) > before) == (w > 0.0)


def test_log_odds_are_no_further_than_a_model_knows():
    assert log_odds(1e-12) == -8.0
    assert log_odds(1 - 1e-12) == 8.0
