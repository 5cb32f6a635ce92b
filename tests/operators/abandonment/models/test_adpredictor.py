"""AdPredictor: River's updates, and what it lacks, their weight."""

import pytest
from river import linear_model

from operators.abandonment.models.adpredictor import AdPredictorClassifier, WeightedAdPredictor
from tests.operators.abandonment.fakes import carts


def bins_of(count):
    """Outcomes as binned features."""
    model = AdPredictorClassifier()
    for x, y in carts(count):
        model.encoder.learn(x)
        yield model.encoder.binned(x), y


def test_updates_of_a_whole_weight_are_rivers():
    ours, river = (kind(beta=4.0) for kind in (WeightedAdPredictor, linear_model.AdPredictor))
    for bins, y in bins_of(200):
        ours.learn_one(bins, y, 2.0)
        river.learn_one(bins, y)
        river.learn_one(bins, y)
        assert ours.predict_proba_one(bins) == river.predict_proba_one(bins)


def test_two_fractions_of_an_update_nearly_make_a_whole():
    """Exactly it cannot be: the second is made where the first has led, and each returns a little."""
    whole, parts = (WeightedAdPredictor(beta=4.0, epsilon=1e-4) for _ in range(2))
    for bins, y in bins_of(200):
        whole.learn_one(bins, y, 1.0)
        parts.learn_one(bins, y, 0.5)
        parts.learn_one(bins, y, 0.5)
        assert parts.predict_proba_one(bins)[True] == pytest.approx(
            whole.predict_proba_one(bins)[True], abs=0.01
        )
