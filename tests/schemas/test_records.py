"""Times in records, and what a record may hold."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Record, Timestamp, decoder, encode, json_schema
from tests.builders import OFTEN, T0


class Stamped(Record, frozen=True, kw_only=True):
    """A record for tests."""

    at: Timestamp | None


read = decoder(Stamped)


def test_times_are_written_in_utc_with_microseconds():
    assert str(Timestamp(T0)) == "2023-11-14T22:13:20.000000Z"
    assert str(Timestamp(T0 + 0.123456)).endswith(".123456Z")
    assert encode(Stamped(at=Timestamp(T0))) == b'{"at":"2023-11-14T22:13:20.000000Z"}'


@OFTEN
@given(st.integers(0, 4_102_444_800_000_000).map(lambda us: datetime.fromtimestamp(us / 1e6, UTC)))
def test_a_time_that_was_written_is_read_back(at):
    record = Stamped(at=Timestamp(at.timestamp()))
    assert read(encode(record)) == record
    assert repr(read(encode(record)).at) == f"Timestamp({at.timestamp()!r})"
    assert len({record.at, read(encode(record)).at}) == 1


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ('"2026-13-01T00:00:00Z"', "month must be in 1..12"),
        ('"2026-01-01T00:00:00"', "a time must have a zone; got '2026-01-01T00:00:00'"),
        ("7", "expected an RFC 3339 time; got 7"),
    ],
)
def test_what_is_no_time_is_refused_with_its_place(at, words):
    with pytest.raises(msgspec.ValidationError, match=words) as refused:
        read(b'{"at": %s}' % at.encode())
    assert "$.at" in str(refused.value)


def test_a_record_holds_nothing_that_json_does_not_know():
    with pytest.raises(NotImplementedError, match="a record cannot hold object"):
        encode(Stamped(at=object()))


class Odd(Record, frozen=True, kw_only=True):
    """A record whose schema cannot be said."""

    what: Exception


def test_a_schema_of_something_unknown_is_refused():
    with pytest.raises(TypeError, match="type <class 'Exception'> is not supported"):
        json_schema(Odd)


def test_the_schema_demands_every_field():
    assert json_schema(Stamped)["required"] == ["at"]
