"""River's trees behind the encoder: how they count, and what a forest makes of weights."""

import pytest

from operators.abandonment.models.trees import ForestClassifier, share_of_true
from tests.operators.abandonment.fakes import carts


@pytest.mark.parametrize(
    ("votes", "share"),
    [({True: 3.0, False: 1.0}, 0.75), ({}, 0.5), ({False: 9.0}, 0.001), ({True: 9.0}, 0.999)],
)
def test_a_leaf_predicts_the_share_it_counted_and_is_never_certain(votes, share):
    assert share_of_true(votes) == pytest.approx(share)


def test_a_forest_repeats_heavy_updates_but_not_without_end(monkeypatch):
    model = ForestClassifier(trees=2, max_copies=3)
    learned = []
    monkeypatch.setattr(model.forest, "learn_one", lambda x, y: learned.append((x, y)))
    for w, least, most in ((2.0, 2, 2), (0.5, 0, 1), (9.0, 3, 3)):
        learned.clear()
        x, y = next(carts(1))
        model.predict_then_learn(x, y, w)
        assert least <= len(learned) <= most
