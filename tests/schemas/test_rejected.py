"""What is not taken keeps its bytes, its place and the reason."""

import hashlib
from datetime import UTC, datetime

import pytest

from schemas.message import Message
from schemas.rejected import KEEP_BYTES, REJECT_CLASSES, InvalidEvent, Rejected, reject, rejected_line

AT_S = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
WRONG = InvalidEvent("not_json", "not JSON: expected value")


def message(value=b"oops", timestamp_s=AT_S):
    return Message(value, b"v-1", (), "shop.events", 3, 17, timestamp_s)


def test_a_rejected_message_keeps_its_bytes_and_everything_else_is_a_header():
    record = reject(message(), WRONG)
    assert record.id == "shop.events/3/17"
    assert record.value == b"oops"
    assert dict(record.headers) == {
        "class": b"not_json",
        "reason": b"not JSON: expected value",
        "topic": b"shop.events",
        "partition": b"3",
        "offset": b"17",
        "timestamp": b"2026-03-01T12:00:00.000Z",
    }


def test_a_long_value_is_cut_and_says_what_it_was():
    value = b"x" * (KEEP_BYTES + 1)
    record = reject(message(value), WRONG)
    headers = dict(record.headers)
    assert record.value == value[:-1]
    assert headers["length"] == str(len(value)).encode()
    assert headers["sha256"] == hashlib.sha256(value).hexdigest().encode()


def test_a_value_that_just_fits_is_whole():
    assert "length" not in dict(reject(message(b"1234"), WRONG, keep_bytes=4).headers)
    assert "length" in dict(reject(message(b"12345"), WRONG, keep_bytes=4).headers)


def test_a_tombstone_is_rejected_with_no_bytes():
    assert reject(message(None), WRONG).value == b""


@pytest.mark.parametrize("timestamp_s", [None, 1e300, -1e15, float("nan")])
def test_a_timestamp_that_is_no_time_is_left_out(timestamp_s):
    assert "timestamp" not in dict(reject(message(timestamp_s=timestamp_s), WRONG).headers)


def test_a_json_line_says_the_same_as_the_record():
    line = rejected_line(reject(message(), WRONG))
    assert line == Rejected.model_validate_json(line.model_dump_json())
    assert (line.class_, line.partition, line.offset, line.value) == ("not_json", 3, 17, "oops")


def test_bytes_that_are_no_text_stand_in_a_json_line_as_base64():
    line = rejected_line(reject(message(b"\xff"), WRONG))
    assert (line.value, line.value_base64) == (None, "/w==")


@pytest.mark.parametrize("class_", REJECT_CLASSES)
def test_every_class_has_its_place_in_a_json_line(class_):
    assert rejected_line(reject(message(), InvalidEvent(class_, "why"))).class_ == class_


def test_a_reason_is_short_and_speaks_for_itself():
    wrong = InvalidEvent("late", "w" * 500)
    assert len(wrong.reason) == 200
    assert wrong.reason.endswith("w\u2026")
    assert str(InvalidEvent("late", "too old")) == "late: too old"
