"""The table of models: what each promises, whatever it is inside."""

import math
import pickle
import random
from decimal import Decimal

import numpy as np
import pytest
from river import base

from operators.abandonment import models
from operators.abandonment.models.adpredictor import AdPredictor
from operators.abandonment.models.base import Model
from operators.abandonment.models.encoding import BIAS, CONSTANT, LIMIT, Encoder
from operators.abandonment.models.logistic import Logistic
from operators.abandonment.models.mixture import Mixture
from operators.abandonment.models.trees import Forest, Tree
from operators.abandonment.rolling_metrics import auc
from schemas.errors import SetupError


def carts(count, seed=1):
    """Carts that are left more readily on a mobile and when dear, and seldom once paying began."""
    chance = random.Random(seed)
    for _ in range(count):
        paying, device = chance.random() < 0.3, chance.choice(["mobile", "desktop"])
        value = math.exp(chance.gauss(4, 1))
        z = 2.0 * (math.log(value) - 4) - 2.0 * paying + (1.0 if device == "mobile" else -1.0)
        left = chance.random() < 1 / (1 + math.exp(-z))
        yield {"cart_value": value, "checkout_started": paying, "device": device}, left


def taught(name, count=300, weight=1.0):
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
    fresh = taught(name, 30).clone()
    x, _ = next(carts(1))
    assert fresh.predict_proba_one(x) == model.predict_proba_one(x) == {False: 0.5, True: 0.5}


@pytest.mark.parametrize("name", models.MODELS)
def test_a_question_teaches_nothing(name):
    for count in (0, 1, 30 if name == "forest" else 250):
        model = taught(name, count)
        before = pickle.dumps(model)
        for x, _ in carts(10, seed=2):
            model.predict_proba_one(x | {"unseen": 3.0, "campaign": "new"})
            model.predict_one(x)
        assert pickle.dumps(model) == before


@pytest.mark.parametrize("name", models.MODELS)
def test_a_copy_goes_on_as_the_original_would(name):
    model = taught(name, 60)
    copy = pickle.loads(pickle.dumps(model))
    for x, y in carts(20, seed=3):
        assert copy.predict_proba_one(x) == model.predict_proba_one(x)
        copy.learn_one(x, y, w=1.7)
        model.learn_one(x, y, w=1.7)


@pytest.mark.parametrize("name", models.MODELS)
def test_the_same_lessons_make_the_same_model(name):
    one, other = taught(name, 60), taught(name, 60)
    assert all(one.probability(x) == other.probability(x) for x, _ in carts(20, seed=6))
    if name in ("logistic", "adpredictor"):
        assert pickle.dumps(one) == pickle.dumps(other)


@pytest.mark.parametrize("name", models.MODELS)
def test_a_lesson_without_weight_teaches_nothing(name):
    assert pickle.dumps(taught(name, 40, weight=0.0)) == pickle.dumps(models.build(name))


# Without their calibration, which would follow the weights by itself.
@pytest.mark.parametrize("bare", [Logistic, AdPredictor, Tree, Forest])
def test_heavy_lessons_outweigh_light_ones(bare):
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
    model = taught(name, 600)
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


def test_a_number_that_is_only_ever_there_or_not_still_tells():
    model = models.build("logistic")
    for turn in range(600):
        y = turn % 2 == 0
        model.learn_one({"always": 1.0} | ({"coupon_box": 1.0} if y else {}), y)
    assert model.probability({"always": 1.0, "coupon_box": 1.0}) > 0.9
    assert model.probability({"always": 1.0}) < 0.1


def test_a_number_counts_as_it_is_or_as_its_logarithm_whichever_tells():
    for tells in (lambda value: value, math.log):
        chance, model, said, true = random.Random(10), Logistic(), [], []
        for _ in range(4_000):
            one, other = math.exp(chance.uniform(0, 5)), math.exp(chance.uniform(0, 5))
            left = tells(one) + tells(other) > 2 * tells(30.0)
            said.append(model.lesson({"one": one, "other": other}, left, 1.0))
            true.append(left)
        assert auc(np.array(said[1_000:]), np.array(true[1_000:])) > 0.99


def test_names_without_end_do_not_grow_the_encoder_without_end():
    encoder = Encoder()
    for turn in range(LIMIT + 50):
        encoder.learn({f"number{turn}": 1.0, "page": f"word{turn}"})
    assert len(encoder.numbers) == len(encoder.words) == LIMIT
    assert encoder.scaled({"page": f"word{LIMIT + 9}"}) == {BIAS: CONSTANT}


class Always(Model):
    """Gives the same answer whatever it is asked."""

    def __init__(self, p):
        self.p = p

    def probability(self, _x):
        return self.p

    def lesson(self, _x, _y, _w):
        return self.p


def test_the_mixture_trusts_whoever_is_right_and_changes_its_mind():
    mixture = Mixture((Always(0.9), Always(0.1)))
    assert mixture.probability({}) == pytest.approx(0.5)
    for _ in range(200):
        mixture.learn_one({}, True)
    assert mixture.probability({}) > 0.89
    for _ in range(10):
        mixture.learn_one({}, False)
    assert mixture.probability({}) < 0.11
    assert sum(mixture.trust) == pytest.approx(1.0)


class Knows(Model):
    """Right about one feature, and knows no other."""

    def __init__(self, name):
        self.name = name

    def probability(self, x):
        return 1 / (1 + math.exp(-x[self.name]))

    def lesson(self, x, _y, _w):
        return self.probability(x)


def test_models_that_know_different_things_are_better_together():
    chance, together, lost = random.Random(11), Mixture((Knows("a"), Knows("b"))), {"a": 0.0, "b": 0.0}
    for turn in range(3_000):
        x = {"a": chance.gauss(0, 2), "b": chance.gauss(0, 2)}
        y = chance.random() < 1 / (1 + math.exp(-x["a"] - x["b"]))
        served = together.lesson(x, y, 1.0)
        for alone in lost:
            p = Knows(alone).probability(x)
            lost[alone] += (turn >= 500) * math.log((served if y else 1 - served) / (p if y else 1 - p))
    assert min(lost.values()) / 2_500 > 0.1


def test_the_mixture_loses_next_to_nothing_against_its_best_model():
    mixture, best, lost = Mixture((Always(0.7), Always(0.5), Always(0.2))), Always(0.7), 0.0
    chance = random.Random(5)
    for _ in range(2_000):
        y = chance.random() < 0.7
        served, by_best = mixture.probability({}), best.p
        lost += math.log(by_best if y else 1 - by_best) - math.log(served if y else 1 - served)
        mixture.learn_one({}, y)
    assert lost < math.log(4) + 2_000 * 0.0003 * 1.1
