"""Rows in columns are read as if they were a list, and take a fraction of its memory."""

import math
import random
import tracemalloc

import numpy as np
import pytest

from operators.bandits.context import finite_number
from operators.evaluation import Row, Rows, context_features
from operators.evaluation.context_features import ContextFeatures

ARMS = ("no_offer", "ten", "ship")


def shopping(count, seed=1, numbers=6):
    """Rows whose contexts lack some features and have values of changing types."""
    chance = random.Random(seed)
    for at in range(count):
        context = {"device": chance.choice(["phone", "desk", "phone"]), "every": "same"}
        context |= {f"n{each}": chance.gauss(0, 1) for each in range(numbers) if chance.random() < 0.9}
        if at % 5 == 0:
            context |= {"mixed": "word" if at % 2 else 3.5, "constant": 1.25}
        eligible = ARMS if at % 3 else ARMS[:2]
        arm = chance.choice(eligible)
        logging = {each: 1 / len(eligible) for each in eligible}
        yield Row(arm, logging[arm], chance.random(), f"v{at // 2}", eligible, context, -at, logging)


ROWS = list(shopping(500))


def test_rows_are_read_back_as_they_were_given():
    found = Rows(ROWS)
    assert list(found) == ROWS
    assert list(found[100:200]) == ROWS[100:200]
    assert (found[7], found[-1], found[100:200][3]) == (ROWS[7], ROWS[-1], ROWS[103])


def test_rows_are_put_in_the_order_of_their_times_and_equals_stay_as_they_are():
    assert list(Rows(ROWS).in_order()) == ROWS[::-1]
    same = [Row("ten", 1.0, float(each), "v", ("ten",), {}, 0) for each in range(9)]
    assert list(Rows(same).in_order()) == same


def test_a_context_is_read_back_in_the_order_in_which_names_were_first_added():
    contexts = [{"b": 1.0, "a": "x"}, {"c": 2.0, "a": "y", "b": 3.0}]
    found = Rows(Row("ten", 1.0, 0.0, "v", ("ten",), context, 0) for context in contexts)
    assert [list(row.context) for row in found] == [["b", "a"], ["b", "a", "c"]]


def test_values_that_policies_ignore_are_dropped():
    context = {"a": None, "b": 10**400, "c": True, "d": 1e300, "e": math.nan, "f": "word"}
    (row,) = Rows([Row("ten", 1.0, 0.0, "v", ("ten",), context, 0)])
    assert row.context == {"c": 1.0, "d": 1e300, "f": "word"}
    assert row.logging is None


def test_probabilities_of_other_policies_in_the_log_are_read_back():
    given = {"mine": {"ten": 0.25, "ship": 0.75}, "theirs": {"mug": 1.0}}
    found = Rows([Row("ten", 1.0, 0.0, "v", ("ten",), {}, 0, None, given)])
    assert found[0].policies == given
    assert found.arms() == ("mug", "ship", "ten")


def test_a_log_of_rows_clusters_visitors_in_the_order_of_their_names():
    rows = Rows(ROWS)
    log = rows[100:].log(rows.arms())
    names = sorted({row.visitor for row in ROWS[100:]})
    assert [names[each] for each in log.clusters] == [row.visitor for row in ROWS[100:]]
    assert [rows.arms()[each] for each in log.arms] == [row.arm for row in ROWS[100:]]
    assert log.logging.tolist()[0] == [ROWS[100].logging.get(arm, 0.0) for arm in rows.arms()]
    assert Rows([ROWS[0], Row("ten", 1.0, 0.0, "v", ARMS, {}, 0)]).log(ARMS).logging is None


def plain_features(rows, most):
    """The features, computed from a list of rows."""
    numbers = dict.fromkeys(
        n for row in rows for n, value in row.context.items() if not isinstance(value, str)
    )
    pairs = [pair for row in rows for pair in row.context.items() if isinstance(pair[1], str)]
    counts = {pair: pairs.count(pair) for pair in pairs}
    columns = []
    for name in numbers:
        values = [finite_number(row.context.get(name)) for row in rows]
        mean = np.mean([value for value in values if value is not None])
        columns.append(np.array([mean if value is None else value for value in values]))
    columns = [column for column in columns if np.ptp(column) > 0]
    telling = sorted(counts, key=lambda pair: (-min(counts[pair], len(rows) - counts[pair]), pair))
    for name, word in telling[: max(most - len(columns), 0)]:
        if counts[name, word] < len(rows):
            columns.append(np.array([float(row.context.get(name) == word) for row in rows]))
    return np.column_stack(columns[:most])


@pytest.mark.parametrize(("block", "most"), [(10_000, 64), (64, 64), (64, 7), (64, 3)])
def test_features_are_the_same_whatever_the_size_of_a_block(monkeypatch, block, most):
    monkeypatch.setattr(context_features, "BLOCK", block)
    found = ContextFeatures(Rows(ROWS)[50:], most)
    whole = np.concatenate([found[each] for each in context_features.blocks(450)])
    assert whole == pytest.approx(plain_features(ROWS[50:], most), abs=1e-12)


def test_a_row_of_thirty_numbers_takes_less_than_half_a_kilobyte():
    tracemalloc.start()
    try:
        found = Rows(shopping(5_000, numbers=30))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 5_000
    assert taken / 5_000 < 500
