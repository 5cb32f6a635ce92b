"""What is not accepted keeps its key, its headers, its bytes and its place, beside the reason."""

import hashlib
import struct
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from schemas.dead_letters import split_headers
from schemas.message import UNREADABLE_HEADERS, Message
from schemas.rejected import (
    KEEP_BYTES,
    REJECT_CLASSES,
    InvalidEvent,
    Rejected,
    reject,
    rejected_line,
    rejected_record,
    shrunk,
)

AT_S = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
INVALID = InvalidEvent("not_json", "not JSON: expected value")
CLASHING = (
    ("ce_id", b"x-1"),
    ("ce_type", None),
    ("class", b"gold"),
    ("topic", b"mine"),
    ("traceparent", None),
    ("traceparent", b"\xff"),
    ("kafka_dlt-original-topic", b"elsewhere"),
    ("offerstream.class", b"late"),
    ("offerstream.headers", b"99"),
)

HEAD = (("ce_id", b"t/0/1"), ("ce_type", b"rejected"))
LATE = ("offerstream.class", b"late")


def message(value=b"oops", timestamp_s=AT_S, *, key=b"v-1", headers=(), timestamp_type="CreateTime"):
    return Message(value, key, headers, "shop.events", 3, 17, timestamp_s, timestamp_type)


def ours(record):
    return split_headers(record.headers).ours()


def on_topic(record):
    """The record as a consumer of the topic reads it."""
    head = (("ce_id", record.id.encode()), ("ce_type", b"rejected"))
    return Message(record.value, record.key, (*head, *record.headers), "shop.rejected", 0, 4)


def test_a_rejected_message_keeps_its_key_and_bytes_and_everything_else_is_a_header():
    record = reject(message(headers=(("a", b"b"),)), INVALID)
    assert (record.id, record.key, record.value) == ("shop.events/3/17", b"v-1", b"oops")
    assert record.headers[0] == ("a", b"b")
    assert dict(record.headers[1:]) == {
        "offerstream.class": b"not_json",
        "offerstream.reason": b"not JSON: expected value",
        "offerstream.topic": b"shop.events",
        "offerstream.partition": b"3",
        "offerstream.offset": b"17",
        "offerstream.timestamp": b"2026-03-01T12:00:00.000Z",
        "offerstream.headers": b"1",
        "__streams.errors.exception": b"offerstream.not_json",
        "__streams.errors.message": b"not JSON: expected value",
        "__streams.errors.topic": b"shop.events",
        "__streams.errors.partition": b"3",
        "__streams.errors.offset": b"17",
        "kafka_dlt-original-topic": b"shop.events",
        "kafka_dlt-original-timestamp-type": b"CreateTime",
        "kafka_dlt-exception-fqcn": b"offerstream.not_json",
        "kafka_dlt-exception-message": b"not JSON: expected value",
        "kafka_dlt-original-partition": struct.pack(">i", 3),
        "kafka_dlt-original-offset": struct.pack(">q", 17),
        "kafka_dlt-original-timestamp": struct.pack(">q", 1772366400000),
    }


def test_an_internal_error_brings_its_stack_and_nothing_else_does():
    invalid = InvalidEvent("internal", "KeyError while reading native")
    invalid.__cause__ = KeyError("unexpected")
    headers = dict(reject(message(), invalid).headers)
    assert b"KeyError: 'unexpected'" in headers["__streams.errors.stacktrace"]
    assert headers["kafka_dlt-exception-stacktrace"] == headers["__streams.errors.stacktrace"]
    assert not [name for name, _ in reject(message(), INVALID).headers if "stack" in name]


@pytest.mark.parametrize("headers", [(), CLASHING, CLASHING * 2])
@pytest.mark.parametrize("key", [None, b"", b"v-1", b"\x00\xff"])
@pytest.mark.parametrize("value", [None, b"", b"oops"])
def test_a_message_comes_back_from_the_topic_as_it_was(key, value, headers):
    record = reject(message(value, key=key, headers=headers), INVALID)
    again = rejected_record(on_topic(record))
    assert again == record
    assert (again.key, again.value) == (key, value)
    assert split_headers(again.headers).own == headers
    assert ours(again)["class"] == b"not_json"


def test_what_a_mirror_adds_is_not_taken_for_the_messages_own():
    record = reject(message(headers=CLASHING), INVALID)
    found = on_topic(record)
    mirrored = replace(found, headers=(("from", b"a"), *found.headers, ("mirror", b"b"), ("class", b"c")))
    again = rejected_record(mirrored)
    assert (again.id, split_headers(again.headers).own) == (record.id, CLASHING)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("ce_id", b"o-1"), ("ce_type", b"offer.decided")),
        (*HEAD, ("class", b"late"), ("reason", b"of version 0.1")),
        (("ce_id", None), ("ce_type", b"rejected"), LATE, ("offerstream.headers", b"0")),
        (LATE, ("offerstream.headers", b"0")),
        (*HEAD, LATE),
        (*HEAD, LATE, ("offerstream.headers", b"7")),
        (*HEAD, LATE, ("offerstream.headers", b"-1")),
        (*HEAD, LATE, ("offerstream.headers", b"9" * 5000)),
        (*HEAD, LATE, ("offerstream.headers", None)),
    ],
)
def test_a_record_of_others_is_none_of_ours(headers):
    assert rejected_record(Message(b"{}", None, headers)) is None


def test_a_long_value_is_cut_and_says_what_it_was():
    value = b"x" * (KEEP_BYTES + 1)
    record = reject(message(value), INVALID)
    assert record.value == value[:-1]
    assert ours(record)["length"] == str(len(value)).encode()
    assert ours(record)["sha256"] == hashlib.sha256(value).hexdigest().encode()
    assert ours(record)["cut"] == b"value"


def test_a_value_that_just_fits_is_whole():
    assert "cut" not in ours(reject(message(b"1234"), INVALID, keep_bytes=4))
    assert "cut" in ours(reject(message(b"12345"), INVALID, keep_bytes=4))


@pytest.mark.parametrize(
    ("parts", "cut", "own"),
    [
        ({"value": b"x" * 20_000}, b"value", CLASHING),
        ({"value": b"x", "headers": (("big", b"h" * 20_000),)}, b"headers", ()),
        ({"value": b"x" * 20_000, "headers": (("big", b"h" * 20_000),)}, b"value,headers", ()),
        ({"value": b"x", "key": b"k" * 20_000}, b"headers,key", ()),
        ({"value": b"x" * 20_000, "key": b"k" * 20_000}, b"value,headers,key", ()),
        ({"value": None, "key": b"k" * 20_000}, b"headers,key", ()),
    ],
)
def test_a_record_shrinks_to_what_a_topic_takes_and_says_what_is_not_whole(parts, cut, own):
    record = reject(message(**{"headers": CLASHING} | parts), INVALID)
    assert shrunk(record, record.size_bytes) is record
    small = shrunk(record, 10_000)
    assert small.size_bytes <= 10_000
    assert ours(small)["cut"] == cut
    assert split_headers(small.headers).own == own
    assert rejected_record(on_topic(small)) == small
    if b"value" in cut:
        assert small.size_bytes > 9_900
        assert ours(small)["length"] == b"20000"
        assert ours(small)["sha256"] == hashlib.sha256(parts["value"]).hexdigest().encode()
    assert shrunk(shrunk(record, 15_000), 10_000).value == small.value


def test_a_record_shrinks_to_our_headers_at_least():
    record = reject(message(b"x" * 20_000, key=b"k" * 500, headers=CLASHING), INVALID)
    bare = shrunk(record, 1)
    assert (bare.value, bare.key, split_headers(bare.headers).own) == (b"", None, ())
    assert bare.size_bytes < 2_000
    assert rejected_line(bare).cut == ("value", "headers", "key")


def test_headers_that_cannot_be_read_are_said_to_be_missing():
    record = reject(message(headers=UNREADABLE_HEADERS), INVALID)
    assert split_headers(record.headers).own == ()
    assert rejected_line(record).cut == ("headers",)


def test_the_messages_of_a_key_take_one_route_and_those_without_a_key_are_spread():
    assert reject(message(), INVALID).route == "v-1"
    assert reject(message(key=None), INVALID).route == "shop.events/3/17"
    assert reject(message(key=b""), INVALID).route == ""
    for key in (b"\xff", b"k" * 201, b"\xff" * 201):
        route = reject(message(key=key), INVALID).route
        assert route == hashlib.sha256(key).hexdigest()


@pytest.mark.parametrize("timestamp_s", [None, 1e300, -1e300, float("nan"), float("inf")])
def test_a_timestamp_that_is_no_time_is_left_out(timestamp_s):
    headers = dict(reject(message(timestamp_s=timestamp_s), INVALID).headers)
    assert "offerstream.timestamp" not in headers
    assert headers["kafka_dlt-original-timestamp"] == struct.pack(">q", -1)


def test_a_json_line_says_the_same_as_the_record():
    line = rejected_line(reject(message(), INVALID))
    assert line == Rejected.model_validate_json(line.model_dump_json())
    assert (line.class_, line.partition, line.offset, line.value) == ("not_json", 3, 17, "oops")
    assert (line.key, line.headers, line.cut) == ("v-1", None, None)


def test_bytes_that_are_no_text_stand_in_a_json_line_as_base64():
    line = rejected_line(reject(message(b"\xff", key=b"\xfe", headers=CLASHING), INVALID))
    assert (line.value, line.value_base64) == (None, "/w==")
    assert (line.key, line.key_base64) == (None, "/g==")
    assert [(each.name, each.value, each.value_base64) for each in line.headers[4:6]] == [
        ("traceparent", None, None),
        ("traceparent", None, "/w=="),
    ]


def test_what_was_not_there_is_not_in_a_json_line():
    line = rejected_line(reject(message(None, key=None), INVALID))
    assert (
        not {"key", "key_base64", "value", "value_base64", "headers"}
        & line.model_dump(exclude_none=True).keys()
    )
    assert (
        rejected_line(reject(message(b"", key=b""), INVALID)).model_dump().items()
        >= {"key": "", "value": ""}.items()
    )


def test_a_record_with_the_headers_of_another_version_is_no_json_line():
    with pytest.raises(ValueError, match=r"shop\.events/3/17 must have the headers of a rejected record"):
        rejected_line(reject(message(), INVALID)._replace(headers=(("class", b"late"),)))


@pytest.mark.parametrize("class_", REJECT_CLASSES)
def test_every_class_has_its_place_in_a_json_line(class_):
    assert rejected_line(reject(message(), InvalidEvent(class_, "why"))).class_ == class_


def test_a_reason_is_short_and_speaks_for_itself():
    invalid = InvalidEvent("late", "w" * 500)
    assert len(invalid.reason) == 200
    assert invalid.reason.endswith("w\u2026")
    assert str(InvalidEvent("late", "too old")) == "late: too old"
