"""Rows in arrays: a snapshot holds those that changed, and a crash takes back what is not sealed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.state.array_table import ArrayTable
from operators.state.rows import StateRows, changes_in
from tests.builders import OFTEN
from tests.rows import DictRows

ROWS = st.integers(0, 199)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), ROWS, st.integers(1, 9)),
        st.tuples(st.just("clear"), ROWS),
        st.just(("seal",)),
        st.just(("crash",)),
    ),
    max_size=25,
)


def table(rows):
    return ArrayTable(rows, b"a", {"many": ("u4", 3), "one": ("f8", 1)}, 200)


def take(cells, step):
    """Do one step."""
    if step[0] == "clear":
        cells.clear(step[1])
        return
    cells.touch(step[1])
    cells["one"][step[1]] = step[2] / 2
    cells["many"][step[1], step[2] % 3] = step[2]


def seen(cells):
    """Every row that is not all zeros."""
    rows = range(len(cells))
    found = {row: (cells["many"][row].tolist(), float(cells["one"][row])) for row in rows}
    return {row: cell for row, cell in found.items() if cell != ([0, 0, 0], 0.0)}


@OFTEN
@given(STEPS)
def test_arrays_on_disk_are_as_if_everything_were_in_memory(steps):
    store, sealed, since, plain = DictRows(), None, [], table(StateRows())
    rows = StateRows(store)
    cells = table(rows)
    for step in steps:
        if step == ("seal",):
            sealed, since = rows.snapshot(), []
        elif step == ("crash",):
            rows = StateRows(store)
            cells = table(rows)
            if sealed is None:
                rows.begin()
            else:
                rows.restore(sealed)
            for each in since:
                take(cells, each)
        else:
            since.append(step)
            take(cells, step)
            take(plain, step)
        assert seen(cells) == seen(plain)


def test_a_snapshot_holds_only_the_rows_that_changed():
    rows = StateRows(DictRows())
    cells = table(rows)
    for row in range(100):
        take(cells, ("set", row, 1))
    rows.snapshot()
    take(cells, ("set", 7, 2))
    assert list(changes_in(rows.snapshot())) == [b"a\0\0\0\x07"]


def test_a_row_beyond_the_capacity_is_refused():
    with pytest.raises(IndexError, match="a table of 200 rows has no row 200"):
        table(StateRows()).touch(200)


def test_the_bytes_of_a_row_are_those_of_its_columns():
    assert table(StateRows()).row_bytes == 1 + 3 * 4 + 8
