"""The columns of features and the rows of contexts, while features come and go."""

import random
from collections import defaultdict

import numpy as np
import pytest

from operators.bandits import EpsilonGreedy
from operators.bandits.feature_columns import FeatureColumns
from operators.bandits.row_encoder import RowEncoder


def encoder_of(*contexts, max_columns=50):
    encoder = RowEncoder(FeatureColumns(max_columns))
    for context in contexts:
        encoder.learn(context)
    return encoder


def test_the_row_of_an_update_stays_the_same_whatever_comes_later():
    encoder, rng = encoder_of(max_columns=200), random.Random(1)
    rows = []
    for turn in range(100):
        context = {f"f{rng.randrange(turn + 3)}": rng.choice([0, 1, 2.5, "a", "b", True]) for _ in range(4)}
        encoder.learn(context)
        rows.append((context, encoder.row(context, encoder.columns.size)))
    for context, row in rows:
        later = encoder.row(context, encoder.columns.size)
        assert np.array_equal(later[: len(row)], row)
        assert not later[len(row) :].any()


def test_a_number_that_is_sometimes_missing_has_a_column_that_says_so():
    encoder = encoder_of({"price": 3.0}, {"price": 5.0}, {})
    assert encoder.row({"price": 5.0}, 3).tolist() == [1.0, 2.0, 0.0]
    assert encoder.row({}, 3).tolist() == encoder.row({"price": float("nan")}, 3).tolist() == [1.0, 0.0, 1.0]


def test_a_number_that_comes_late_has_a_column_that_says_it_is_there():
    encoder = encoder_of({}, {"coupon": 1.0}, {})
    assert encoder.row({"coupon": 1.0}, encoder.columns.size).tolist() == [1.0, 1.0]
    assert encoder.row({}, encoder.columns.size).tolist() == [1.0, 0.0]


def test_a_number_far_out_counts_as_far_as_its_limit():
    encoder = encoder_of({"price": 3.0}, {"price": 5.0})
    encoder.limit("price", 20.0)
    assert [encoder.row({"price": each}, 2)[1] for each in (1e9, 4.0, -1e9)] == [20.0, 1.0, -20.0]


def test_a_row_is_the_same_from_a_plan_or_feature_by_feature():
    encoder, rng = encoder_of(max_columns=60), random.Random(3)
    odd = [0, 1.5, True, float("nan"), float("inf"), 1e300, 10**400, None, "a", "b", [1]]
    for turn in range(400):
        names = rng.choice([("price", "visits", "device"), ("device", "price"), ("price", "coupon", "hour")])
        context = {name: rng.choice("ab") if name == "device" else rng.gauss(5.0, 2.0) for name in names}
        if turn % 5 == 0:
            context[rng.choice(names)] = rng.choice(odd)
        if turn == 200:
            encoder.limit("price", 1.5)
        width = encoder.columns.size
        settled = encoder.settled_row(context, width)
        row, slow = encoder.row(context, width), encoder.slow_row(context, width)
        assert np.array_equal(row, slow)
        before = encoder.state()
        if settled is not None:
            assert np.array_equal(settled, slow)
        encoder.learn(context)
        assert settled is None or (encoder.columns.size == width and encoder.state() == before)


def test_a_row_is_the_same_whatever_context_was_encoded_before():
    known = [
        {"price": 3.0, "visits": 2.0},
        {"price": 5.0, "visits": 4.0},
        {"price": 5.0, "device": "a"},
        {"hour": 4.0},
    ]
    encoder, rng = encoder_of(*known), random.Random(1)
    asked = [{"visits": 1.0, "price": 9.0}, {"price": 9.0, "hour": 1.0}, {"price": 9.0, "device": "a"}]
    asked += [{"device": "a", "visits": "a"}, {"price": 9.0, "unknown": 1.0}, {"visits": 7.0, "unknown": 1.0}]
    asked += [{"hour": 3.0}, {"price": 3.0}, {}, defaultdict(float, price=2.0, hour=1.0)]
    for context in rng.choices(asked, k=400):
        names = set(context)
        row = encoder.row(context, encoder.columns.size)
        assert np.array_equal(row, encoder.slow_row(context, encoder.columns.size))
        assert set(context) == names


def test_a_context_with_nothing_new_is_settled():
    encoder = encoder_of({"price": 3.0, "device": "a"}, {"price": 5.0, "device": "b"})
    assert encoder.settled_row({"price": 4.0, "device": "b"}, 4).tolist() == [1.0, 0.0, 1.0, 1.0]
    assert encoder.settled_row({"price": 4.0, "device": "c"}, 4) is None


def test_plans_are_bounded_whatever_names_contexts_have():
    encoder = encoder_of(max_columns=20)
    for turn in range(500):
        context = {f"f{turn}": 1.0, "price": float(turn)}
        encoder.learn(context)
        encoder.row(context, encoder.columns.size)
    assert len(encoder.plans) <= 64


@pytest.mark.parametrize("form", ["named when there", "zeros and ones", "words"])
def test_sparse_dense_and_text_features_are_learned_alike(form):
    policy, rng = EpsilonGreedy(seed=1), random.Random(1)

    def features(kind):
        if form == "named when there":
            return {f"kind_{kind}": 1.0}
        if form == "words":
            return {"kind": str(kind)}
        return {f"kind_{each}": float(each == kind) for each in range(4)}

    for _ in range(800):
        kind = rng.randrange(4)
        policy.update("a", features(kind), kind + rng.gauss(0.0, 0.1))
    found = [policy.values(["a"], features(kind))["a"] for kind in range(4)]
    assert found == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=0.1)


def test_one_outlier_does_not_spoil_what_is_fitted():
    policy, rng = EpsilonGreedy(seed=1), random.Random(1)
    for turn in range(900):
        price = 1e12 if turn == 200 else rng.gauss(5.0, 1.0)
        policy.update("a", {"price": price}, 0.0 if turn == 200 else 2.0 * price)
    assert policy.values(["a"], {"price": 7.0})["a"] == pytest.approx(14.0, abs=1.0)
