"""What each feature adds to a prediction adds up to the prediction."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.abandonment import models
from operators.abandonment.abandonment_model import AbandonmentModel
from operators.abandonment.models.adpredictor import AdPredictorClassifier
from operators.abandonment.models.logistic import LogisticClassifier
from tests.builders import OFTEN
from tests.operators.abandonment.fakes import carts

NAMES = sorted({name for x, _ in carts(50) for name in x})
VALUES = st.one_of(
    st.none(), st.floats(), st.integers(-100, 10**6), st.sampled_from(["mobile", "desktop", "never seen", ""])
)
PROBABILITY = {
    "log_odds": lambda total: 1.0 / (1.0 + math.exp(-total)),
    "probits": NormalDist().cdf,
}


def trained(kind):
    model = kind()
    for turn, (x, y) in enumerate(carts(400)):
        model.predict_then_learn(x | {"device": "mobile" if turn % 3 else "desktop"}, y, 1.0)
    return model


LINEAR = {kind: trained(kind) for kind in (LogisticClassifier, AdPredictorClassifier)}


@pytest.mark.parametrize("kind", LINEAR)
@OFTEN
@given(x=st.dictionaries(st.sampled_from([*NAMES, "device", "new"]), VALUES))
def test_they_add_up_to_the_raw_prediction(kind, x):
    found = LINEAR[kind].contributions(x)
    total = found.constant + math.fsum(found.features.values())
    assert PROBABILITY[found.unit](total) == pytest.approx(LINEAR[kind].probability(x), abs=1e-9)
    assert found.features.keys() <= x.keys()


def test_they_are_those_of_the_model_as_it_is_now():
    model, x = trained(LogisticClassifier), dict(next(iter(carts(1)))[0])
    model.probability(x)
    asked = model.contributions(x)
    assert asked == model.contributions(dict(x))
    model.predict_then_learn(x, True, 5.0)
    assert model.contributions(x) == model.contributions(dict(x)) != asked


def test_a_calibrated_model_has_those_of_the_one_inside_and_other_models_have_none():
    features = next(iter(carts(1)))[0]
    for name in models.MODELS:
        model = AbandonmentModel(name)
        for x, y in carts(100):
            model.learn(x, y)
        assert (model.contributions(features) is not None) is (name in {"logistic", "adpredictor"})


def test_a_model_that_has_learned_nothing_adds_nothing():
    assert AdPredictorClassifier().contributions({"a": 1.0}) is None
    found = LogisticClassifier().contributions({"a": 1.0})
    assert (found.constant, found.features) == (0.0, {})
