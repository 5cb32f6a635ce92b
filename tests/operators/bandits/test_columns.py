"""Where features stand, as they come and go."""

import random
from collections import defaultdict

import numpy as np
import pytest

from operators.bandits import EpsilonGreedy
from operators.bandits.columns import Columns


def learned(*contexts, room=50):
    columns = Columns(room)
    for context in contexts:
        columns.learn(context)
    return columns


def test_the_row_of_a_lesson_stays_the_same_whatever_comes_later():
    columns, rng = Columns(200), random.Random(1)
    rows = []
    for turn in range(100):
        context = {f"f{rng.randrange(turn + 3)}": rng.choice([0, 1, 2.5, "a", "b", True]) for _ in range(4)}
        columns.learn(context)
        rows.append((context, columns.row(context, columns.size)))
    for context, row in rows:
        later = columns.row(context, columns.size)
        assert np.array_equal(later[: len(row)], row)
        assert not later[len(row) :].any()


def test_a_number_missing_at_times_says_so():
    columns = learned({"price": 3.0}, {"price": 5.0}, {})
    assert columns.row({"price": 5.0}, 3).tolist() == [1.0, 2.0, 0.0]
    assert columns.row({}, 3).tolist() == columns.row({"price": float("nan")}, 3).tolist() == [1.0, 0.0, 1.0]


def test_a_number_that_comes_late_says_that_it_is_there():
    columns = learned({}, {"coupon": 1.0}, {})
    assert columns.row({"coupon": 1.0}, columns.size).tolist() == [1.0, 1.0]
    assert columns.row({}, columns.size).tolist() == [1.0, 0.0]


def test_a_number_far_out_counts_as_far_as_its_limit():
    columns = learned({"price": 3.0}, {"price": 5.0})
    columns.limit("price", 20.0)
    assert [columns.row({"price": each}, 2)[1] for each in (1e9, 4.0, -1e9)] == [20.0, 1.0, -20.0]


def test_a_row_is_the_same_worked_out_by_a_plan_or_one_by_one():
    columns, rng = Columns(60), random.Random(3)
    odd = [0, 1.5, True, float("nan"), float("inf"), 1e300, 10**400, None, "a", "b", [1]]
    for turn in range(400):
        names = rng.choice([("price", "visits", "device"), ("device", "price"), ("price", "coupon", "hour")])
        context = {name: rng.choice("ab") if name == "device" else rng.gauss(5.0, 2.0) for name in names}
        if turn % 5 == 0:
            context[rng.choice(names)] = rng.choice(odd)
        if turn == 200:
            columns.limit("price", 1.5)
        settled = columns.settled_row(context, columns.size)
        row, slow = columns.row(context, columns.size), columns._any_row(context, columns.size)
        assert np.array_equal(row, slow)
        before = columns.state()
        if settled is not None:
            assert np.array_equal(settled, slow)
        size = columns.size
        columns.learn(context)
        assert settled is None or (columns.size == size and columns.state() == before)


def test_a_row_is_the_same_whatever_the_context_asked_before_had():
    known = [
        {"price": 3.0, "visits": 2.0},
        {"price": 5.0, "visits": 4.0},
        {"price": 5.0, "device": "a"},
        {"hour": 4.0},
    ]
    columns, rng = learned(*known), random.Random(1)
    asked = [{"visits": 1.0, "price": 9.0}, {"price": 9.0, "hour": 1.0}, {"price": 9.0, "device": "a"}]
    asked += [{"device": "a", "visits": "a"}, {"price": 9.0, "unknown": 1.0}, {"visits": 7.0, "unknown": 1.0}]
    asked += [{"hour": 3.0}, {"price": 3.0}, {}, defaultdict(float, price=2.0, hour=1.0)]
    for context in rng.choices(asked, k=400):
        names = set(context)
        row = columns.row(context, columns.size)
        assert np.array_equal(row, columns._any_row(context, columns.size))
        assert set(context) == names


def test_a_context_with_nothing_new_is_settled():
    columns = learned({"price": 3.0, "device": "a"}, {"price": 5.0, "device": "b"})
    assert columns.settled_row({"price": 4.0, "device": "b"}, columns.size).tolist() == [1.0, 0.0, 1.0, 1.0]
    assert columns.settled_row({"price": 4.0, "device": "c"}, columns.size) is None


def test_plans_are_bounded_whatever_names_contexts_have():
    columns = Columns(20)
    for turn in range(500):
        context = {f"f{turn}": 1.0, "price": float(turn)}
        columns.learn(context)
        columns.row(context, columns.size)
    assert len(columns.plans) <= 64


@pytest.mark.parametrize("form", ["named when there", "zeros and ones", "words"])
def test_sparse_dense_and_worded_features_teach_the_same(form):
    policy, rng = EpsilonGreedy(seed=1), random.Random(1)

    def told(kind):
        if form == "named when there":
            return {f"kind_{kind}": 1.0}
        if form == "words":
            return {"kind": str(kind)}
        return {f"kind_{each}": float(each == kind) for each in range(4)}

    for _ in range(800):
        kind = rng.randrange(4)
        policy.update("a", told(kind), kind + rng.gauss(0.0, 0.1))
    found = [policy.values(["a"], told(kind))["a"] for kind in range(4)]
    assert found == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=0.1)


def test_one_wild_number_does_not_spoil_what_is_learned():
    policy, rng = EpsilonGreedy(seed=1), random.Random(1)
    for turn in range(900):
        price = 1e12 if turn == 200 else rng.gauss(5.0, 1.0)
        policy.update("a", {"price": price}, 0.0 if turn == 200 else 2.0 * price)
    assert policy.values(["a"], {"price": 7.0})["a"] == pytest.approx(14.0, abs=1.0)
