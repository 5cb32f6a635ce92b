"""Rows of the REES46 data sets that cannot be taken, and the real sample where it is at hand."""

import os
from collections import Counter
from pathlib import Path

import pytest

from schemas.adapters import REES46_HEADER, decoder
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

ROW = b"2019-10-01 00:00:00 UTC,view,446,2103,,shiseido,35.79,5413,72d7"
DATA = os.environ.get("OFFERSTREAM_DATA")


def read(value, offset=0):
    return decoder("rees46", MAX_EVENT_BYTES)(Message(value, offset=offset))


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
        (ROW.replace(b" UTC", b""), "invalid", "event_time should look like 2019-10-01 00:00:00 UTC"),
        (ROW.replace(b"2019-10", b"2019-13"), "invalid", "time should be a valid datetime"),
        (ROW.replace(b"35.79", b"-1"), "invalid", "price should be greater than or equal to 0"),
        (ROW.replace(b"35.79", b"nan"), "invalid", "price should be a finite number"),
        (ROW.replace(b"35.79", b""), "invalid", "price should be a valid number"),
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


@pytest.mark.skipif(DATA is None, reason="OFFERSTREAM_DATA does not name the folder of real data")
def test_the_real_sample_is_read_but_for_its_last_line():
    rows = (Path(DATA) / "rees46_oct2019_sample.csv").read_bytes().splitlines()[1:]
    types = Counter(read(row, offset).type for offset, row in enumerate(rows[:-1]))
    assert types == {"product_viewed": 17055, "order_completed": 214, "cart_item_added": 165}
    with pytest.raises(InvalidEvent, match="invalid: the row has 8 of 9 columns"):
        read(rows[-1])
