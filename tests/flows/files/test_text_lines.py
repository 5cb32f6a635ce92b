"""Lines of a file: whatever ends them and however they are read, and rows of CSV over several of them."""

import csv
from io import BytesIO, StringIO
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.files.text_lines import MAX_ROW_LINES, CsvRows, Lines
from tests.builders import OFTEN

BYTES = st.lists(st.sampled_from([b"a", b"{}", b"\n", b"\r", b" ", b"\t", b"\xff"])).map(b"".join)
CELL = st.text("ab,;\"'\n\r\u2028é ", max_size=6)


def read(records, data, **settings):
    return list(records(BytesIO(data), **settings))


@OFTEN
@given(BYTES, st.integers(1, 5))
def test_every_line_that_is_not_blank_is_read_whatever_ends_it_and_however_it_comes(data, chunk):
    expected = [(number, line) for number, line in enumerate(data.splitlines()) if line.strip()]
    assert read(Lines, data, chunk=chunk) == read(CsvRows, data, chunk=chunk) == expected


@OFTEN
@given(BYTES, st.integers(1, 5), st.integers(0, 9))
def test_lines_are_read_on_from_each_place_where_one_ended(data, chunk, count):
    lines = Lines(BytesIO(data), chunk=chunk)
    first = list(islice(lines, count))
    rest = BytesIO(data[lines.position :])
    assert first + list(Lines(rest, lines.offset, lines.position)) == read(Lines, data)


@pytest.mark.parametrize("records", [Lines, CsvRows])
def test_a_mark_of_the_byte_order_before_a_line_is_not_part_of_it(records):
    data = b"\xef\xbb\xbfone\r\n\xef\xbb\xbf\r\n\xef\xbb\xbftwo"
    assert read(records, data) == [(0, b"one"), (2, b"two")]


@OFTEN
@given(st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=6), st.sampled_from(",;\t"))
def test_a_row_of_csv_goes_on_over_line_ends_in_quotes(rows, delimiter):
    written = StringIO(newline="")
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    records = read(CsvRows, written.getvalue().encode(), delimiter=delimiter, chunk=3)
    texts = [StringIO(row.decode(), newline="") for _, row in records]
    assert [next(csv.reader(text, delimiter=delimiter)) for text in texts] == rows
    offsets = [offset for offset, _ in records]
    lines = [len(row.splitlines()) for _, row in records]
    assert offsets == [sum(lines[:number]) for number in range(len(rows))]


@pytest.mark.parametrize(
    "line",
    [b'a,"b,c', b'a,"b"c,"d', b'a,5" tall,c', b'a,b,"'],
    ids=["no closing quote", "text after a quote", "an inch", "only a quote"],
)
def test_quotes_that_nothing_closes_cost_one_line(line):
    rows = [b"1,2,3", line, b"4,5,6", b'7,"8",9', b'1,"2\n3",4']
    records = read(CsvRows, b"\n".join(rows))
    assert [row for _, row in records] == rows
    assert [offset for offset, _ in records] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("lines", "rows"), [(MAX_ROW_LINES, 1), (MAX_ROW_LINES + 1, MAX_ROW_LINES + 1)])
def test_a_row_has_so_many_lines_at_most(lines, rows):
    data = b'1,"2' + b"\nmore" * (lines - 2) + b'\nend"'
    assert len(read(CsvRows, data)) == rows
