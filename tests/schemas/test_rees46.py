"""Rows of the REES46 data sets that cannot be taken, and the real sample where it is at hand."""

import os
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.adapters import CSV_HEADER, REES46_HEADER, decoder
from schemas.adapters.rees46 import DELIMITERS, OPTIONAL, columns_of, header_of
from schemas.errors import DataError
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES, OFTEN

ROW = b"2019-10-01 00:00:00 UTC,view,446,2103,,shiseido,35.79,5413,72d7"
COLUMNS = REES46_HEADER.decode().split(",")
CELLS = dict(zip(COLUMNS, ROW.decode().split(","), strict=True))
DATA = os.environ.get("OFFERSTREAM_DATA")


def read(value, offset=0, header=None):
    headers = () if header is None else ((CSV_HEADER, header),)
    return decoder("rees46", MAX_EVENT_BYTES)(Message(value, headers=headers, offset=offset)).event


def test_equal_rows_are_two_events():
    assert read(ROW, 1).id != read(ROW, 2).id
    assert read(ROW, 1) == read(ROW, 1)


@pytest.mark.parametrize(
    ("value", "class_", "words"),
    [
        (REES46_HEADER, "invalid", "the header line is not an event"),
        (ROW.rpartition(b",")[0], "invalid", "the row has 8 of 9 columns"),
        (ROW + b",more", "invalid", "the row has 10 of 9 columns"),
        (ROW.replace(b"view", b"wish"), "unknown_type", "event_type 'wish' is not known"),
        (ROW.replace(b" UTC", b" CET"), "invalid", "event_time should look like 2019-10-01 00:00:00 UTC or "),
        (
            ROW.replace(b" 00:00:00 UTC", b""),
            "invalid",
            "event_time should look like 2019-10-01 00:00:00 UTC",
        ),
        (ROW.replace(b"2019-10-01 00:00:00 UTC", b"1569888000"), "invalid", "event_time should look like"),
        (ROW.replace(b"2019-10-01 00:00:00 UTC", b"2019-13-01T00:00:00Z"), "invalid", "valid datetime"),
        (ROW.replace(b"2019-10", b"2019-13"), "invalid", "time should be a valid datetime"),
        (ROW.replace(b"5413", b""), "invalid", "visitor_id should have at least 1 character"),
        (ROW.replace(b"shiseido", b'"shi'), "invalid", "not CSV: unexpected end of data"),
        (ROW.replace(b"shiseido", b"\xe9"), "encoding", "not UTF-8: byte 0xe9 at"),
    ],
)
def test_a_row_that_is_no_event_is_refused_in_words(value, class_, words):
    with pytest.raises(InvalidEvent) as wrong:
        read(value)
    assert wrong.value.class_ == class_
    assert words in wrong.value.reason


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("written", [str, str.upper, str.title, lambda name: name.replace("_", " ")])
@OFTEN
@given(order=st.permutations([*COLUMNS, "", "note"]), left_out=st.sets(st.sampled_from([*OPTIONAL, "brand"])))
def test_a_row_is_read_by_the_names_in_its_header(order, left_out, written, delimiter):
    names = [name for name in order if name not in left_out]
    header = delimiter.join(map(written, names)).encode()
    row = delimiter.join(CELLS.get(name, "7") for name in names).encode()
    assert header_of(header) == (header, delimiter, True)
    event = read(row, 3, header)
    whole = ROW.decode()
    for name in left_out:
        whole = whole.replace(CELLS[name], "") if CELLS[name] else whole
    assert event == read(whole.encode(), 3)


def test_cells_with_delimiters_in_quotes_are_read_whole():
    header = b'"event_type";"note";"event_time";"user_id";"product_id";"price"'
    event = read(b'"view";"a;b\n""c""";"2019-10-01 00:00:00 UTC";"5413";"44;6";"35.79"', 0, header)
    assert (event.visitor_id, event.sku, event.price) == ("5413", "44;6", 35.79)


def test_cells_of_a_header_with_spaces_around_its_names_have_them_too():
    header = b"event_time, event_type, product_id, price, user_id"
    assert read(b"2019-10-01 00:00:00 UTC, view, 446, 35.79, 5413", 0, header) == read(
        b"2019-10-01 00:00:00 UTC,view,446,35.79,5413", 0, header.replace(b" ", b"")
    )


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2019-10-01T00:00:00Z", "2019-10-01T00:00:00Z"),
        ("2019-10-01 00:00:00+00:00", "2019-10-01T00:00:00Z"),
        ("2019-10-01 02:00:00+02", "2019-10-01T00:00:00Z"),
        ("2019-09-30T19:30:00.250-0430", "2019-10-01T00:00:00.250Z"),
        ("2019-10-01t00:00:00z", "2019-10-01T00:00:00Z"),
        ("2019-10-01 00:00:00.123456 UTC", "2019-10-01T00:00:00.123456Z"),
        ("2019-10-01 00:00:00 GMT", "2019-10-01T00:00:00Z"),
        ("2019-10-01T00:00:00", "2019-10-01T00:00:00Z"),
        ("2019-10-01 00:00", "2019-10-01T00:00:00Z"),
    ],
)
def test_times_are_read_in_iso_8601_too_and_are_utc_without_a_zone(text, time):
    event = read(ROW.replace(b"2019-10-01 00:00:00 UTC", text.encode()))
    assert event.time == datetime.fromisoformat(time)
    assert event.time.tzinfo is not None


@pytest.mark.parametrize(("price", "amount"), [("120,50", 120.5), ("120,5", 120.5), ("120.50", 120.5)])
def test_a_decimal_comma_is_read_where_it_is_no_delimiter(price, amount):
    header = REES46_HEADER.replace(b",", b";")
    row = ";".join(CELLS.values()).replace("35.79", price)
    assert read(row.encode(), 0, header).price == amount


def test_what_may_be_a_thousand_is_no_decimal_comma():
    header = REES46_HEADER.replace(b",", b"\t")
    row = "\t".join(CELLS.values()).replace("35.79", "1,234").encode()
    assert read(row, 0, header).price == 1234.0


@pytest.mark.parametrize(
    ("price", "read_as"), [(b'"35,79"', 35.79), (b"-1", None), (b"nan", None), (b"", None)]
)
def test_a_view_whose_price_is_none_is_a_view_all_the_same(price, read_as):
    assert read(ROW.replace(b"35.79", price)).price == read_as


def test_a_header_within_a_file_is_no_event():
    header = b"Event_Type,event_time,product_id,price,user_id"
    with pytest.raises(InvalidEvent, match="the header line is not an event"):
        read(header, 0, header)


@pytest.mark.parametrize(("delimiter", "found"), [(",", ","), (";", ";"), ("\t", "\t")])
def test_a_first_line_with_numbers_is_a_row_of_the_columns_of_rees46(delimiter, found):
    row = ROW.replace(b",", delimiter.encode())
    header, used, is_line = header_of(row)
    assert (header, used, is_line) == (REES46_HEADER.replace(b",", found.encode()), found, False)
    assert read(row, 0, header) == read(ROW)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            b"event_time,product_id,user_id",
            "must have event_type, price; got 'event_time,product_id,user_id'",
        ),
        (b"a,b", "must have event_time, event_type, product_id, price, user_id; got 'a,b'"),
        (b"", "must have event_time, event_type, product_id, price, user_id; got ''"),
        (REES46_HEADER + b",PRICE", "must have price once; got 'event_time,"),
    ],
)
def test_a_header_without_a_column_that_is_needed_is_refused(header, words):
    for find in (header_of, columns_of):
        with pytest.raises(DataError, match=f"its header {re.escape(words)}"):
            find(header)


@pytest.mark.skipif(DATA is None, reason="OFFERSTREAM_DATA does not name the folder of real data")
def test_the_real_sample_is_read_but_for_its_last_line():
    rows = (Path(DATA) / "rees46_oct2019_sample.csv").read_bytes().splitlines()[1:]
    types = Counter(read(row, offset).type for offset, row in enumerate(rows[:-1]))
    assert types == {"product_viewed": 17055, "order_completed": 214, "cart_item_added": 165}
    with pytest.raises(InvalidEvent, match="invalid: the row has 8 of 9 columns"):
        read(rows[-1])
