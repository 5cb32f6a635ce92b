"""Rows in columns are read as if they were a list, and take a fraction of its room."""

import math
import random
import tracemalloc

import numpy as np
import pytest

from operators.bandits.plans import number
from operators.evaluation import Row, Rows, features
from operators.evaluation.features import Features

ARMS = ("no_offer", "ten", "ship")


def shopping(count, seed=1, numbers=6):
    """Rows whose contexts lack this and that and are not always of the same kind."""
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


def test_a_context_is_read_back_in_the_order_in_which_its_names_first_came():
    contexts = [{"b": 1.0, "a": "x"}, {"c": 2.0, "a": "y", "b": 3.0}]
    found = Rows(Row("ten", 1.0, 0.0, "v", ("ten",), context, 0) for context in contexts)
    assert [list(row.context) for row in found] == [["b", "a"], ["b", "a", "c"]]


def test_what_policies_take_for_nothing_is_not_there_when_it_is_read_back():
    context = {"a": None, "b": 10**400, "c": True, "d": 1e300, "e": math.nan, "f": "word"}
    (row,) = Rows([Row("ten", 1.0, 0.0, "v", ("ten",), context, 0)])
    assert row.context == {"c": 1.0, "d": 1e300, "f": "word"}
    assert row.logging is None


def test_probabilities_of_policies_given_in_the_log_are_read_back():
    given = {"mine": {"ten": 0.25, "ship": 0.75}, "theirs": {"mug": 1.0}}
    found = Rows([Row("ten", 1.0, 0.0, "v", ("ten",), {}, 0, None, given)])
    assert found[0].given == given
    assert found.arms() == ("mug", "ship", "ten")


def test_a_log_of_rows_clusters_visitors_in_the_order_of_their_names():
    rows = Rows(ROWS)
    log = rows[100:].log(rows.arms())
    names = sorted({row.visitor for row in ROWS[100:]})
    assert [names[each] for each in log.clusters] == [row.visitor for row in ROWS[100:]]
    assert [rows.arms()[each] for each in log.arms] == [row.arm for row in ROWS[100:]]
    assert log.logging.tolist()[0] == [ROWS[100].logging.get(arm, 0.0) for arm in rows.arms()]
    assert Rows([ROWS[0], Row("ten", 1.0, 0.0, "v", ARMS, {}, 0)]).log(ARMS).logging is None


def plainly(rows, most):
    """The features as a list of dicts gives them."""
    numbers = dict.fromkeys(
        n for row in rows for n, value in row.context.items() if not isinstance(value, str)
    )
    pairs = [pair for row in rows for pair in row.context.items() if isinstance(pair[1], str)]
    counts = {pair: pairs.count(pair) for pair in pairs}
    columns = []
    for name in numbers:
        values = [number(row.context.get(name)) for row in rows]
        mean = np.mean([value for value in values if value is not None])
        columns.append(np.array([mean if value is None else value for value in values]))
    columns = [column for column in columns if np.ptp(column) > 0]
    telling = sorted(counts, key=lambda pair: (-min(counts[pair], len(rows) - counts[pair]), pair))
    for name, word in telling[: max(most - len(columns), 0)]:
        if counts[name, word] < len(rows):
            columns.append(np.array([float(row.context.get(name) == word) for row in rows]))
    return np.column_stack(columns[:most])


@pytest.mark.parametrize(("block", "most"), [(10_000, 64), (64, 64), (64, 7), (64, 3)])
def test_features_are_the_same_however_many_rows_are_looked_at_at_once(monkeypatch, block, most):
    monkeypatch.setattr(features, "BLOCK", block)
    found = Features(Rows(ROWS)[50:], most)
    whole = np.concatenate([found[each] for each in features.blocks(450)])
    assert whole == pytest.approx(plainly(ROWS[50:], most), abs=1e-12)


def test_a_row_of_thirty_numbers_takes_less_than_half_a_kilobyte():
    tracemalloc.start()
    try:
        found = Rows(shopping(5_000, numbers=30))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 5_000
    assert taken / 5_000 < 500
