"""The table of models: what each promises, whatever it is inside."""

import math
import pickle
import random
from decimal import Decimal

import pytest
from river import base

from operators.abandonment import models
from operators.abandonment.models.adpredictor import AdPredictorClassifier
from operators.abandonment.models.logistic import LogisticClassifier
from operators.abandonment.models.trees import ForestClassifier, TreeClassifier
from schemas.errors import SetupError
from tests.operators.abandonment.fakes import carts


def trained(name, count=300, weight=1.0):
    model = models.build(name)
    for x, y in carts(count):
        model.learn_one(x, y, w=weight)
    return model


def test_an_unknown_model_is_refused_with_the_names_that_exist():
    with pytest.raises(
        SetupError, match="MODEL must be one of adpredictor, auto, forest, logistic, tree; got 'x'"
    ):
        models.build("x")


@pytest.mark.parametrize("name", models.MODELS)
def test_every_model_is_a_river_classifier_that_can_be_cloned(name):
    model = models.build(name)
    assert isinstance(model, base.Classifier)
    fresh = trained(name, 30).clone()
    x, _ = next(carts(1))
    assert fresh.predict_proba_one(x) == model.predict_proba_one(x) == {False: 0.5, True: 0.5}


@pytest.mark.parametrize("name", models.MODELS)
def test_predicting_changes_nothing(name):
    for count in (0, 1, 30 if name == "forest" else 250):
        model = trained(name, count)
        before = pickle.dumps(model)
        for x, _ in carts(10, seed=2):
            model.predict_proba_one(x | {"unseen": 3.0, "campaign": "new"})
            model.predict_one(x)
        assert pickle.dumps(model) == before


@pytest.mark.parametrize("name", models.MODELS)
def test_a_copy_continues_as_the_original_would(name):
    model = trained(name, 60)
    copy = pickle.loads(pickle.dumps(model))
    for x, y in carts(20, seed=3):
        assert copy.predict_proba_one(x) == model.predict_proba_one(x)
        copy.learn_one(x, y, w=1.7)
        model.learn_one(x, y, w=1.7)


@pytest.mark.parametrize("name", models.MODELS)
def test_the_same_updates_make_the_same_model(name):
    one, other = trained(name, 60), trained(name, 60)
    assert all(one.probability(x) == other.probability(x) for x, _ in carts(20, seed=6))
    if name in ("logistic", "adpredictor"):
        assert pickle.dumps(one) == pickle.dumps(other)


@pytest.mark.parametrize("name", models.MODELS)
def test_an_update_without_weight_changes_nothing(name):
    assert pickle.dumps(trained(name, 40, weight=0.0)) == pickle.dumps(models.build(name))


# Without their calibration, which would follow the weights by itself.
@pytest.mark.parametrize(
    "bare", [LogisticClassifier, AdPredictorClassifier, TreeClassifier, ForestClassifier]
)
def test_heavy_updates_outweigh_light_ones(bare):
    leaning = {}
    for heavy in (False, True):
        model = bare()
        for turn in range(60):
            y = turn % 2 == 0
            model.learn_one(
                {"cart_value": 20.0 + turn % 3, "device": "mobile"}, y, w=6.0 if y == heavy else 0.5
            )
        leaning[heavy] = model.probability({"cart_value": 21.0, "device": "mobile"})
    assert leaning[True] > 0.65
    assert leaning[False] < 0.35


@pytest.mark.parametrize("name", models.MODELS)
def test_what_was_learned_tells_carts_apart(name):
    model = trained(name, 600)
    stays = model.probability({"cart_value": 15.0, "checkout_started": True, "device": "desktop"})
    leaves = model.probability({"cart_value": 200.0, "checkout_started": False, "device": "mobile"})
    assert stays < 0.35
    assert leaves > 0.65


@pytest.mark.parametrize("name", models.MODELS)
def test_gaps_and_broken_numbers_do_no_harm(name):
    odd = [None, math.nan, math.inf, -math.inf, -5.0, 1e300, Decimal("2.5"), True, "word", ""]
    model = models.build(name)
    chance = random.Random(4)
    for x, y in carts(60):
        broken = {key: value for key, value in x.items() if chance.random() < 0.8}
        broken["odd"] = chance.choice(odd)
        model.learn_one(broken, y)
        assert 0.0 < model.probability(broken) < 1.0
    assert 0.0 < model.probability({}) < 1.0


@pytest.mark.parametrize("kind", [AdPredictorClassifier, LogisticClassifier])
def test_after_forgetting_an_update_moves_further_again(kind):
    moved = {}
    for forgets in (False, True):
        model = kind()
        for x, y in carts(500):
            model.learn_one(x, y)
        if forgets:
            model.forget()
        x, _ = next(carts(1, seed=2))
        before = model.probability(x)
        model.learn_one(x, before < 0.5)
        moved[forgets] = abs(model.probability(x) - before)
    assert moved[True] > 2 * moved[False]
