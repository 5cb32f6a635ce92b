"""A value that is no JSON is refused with what it looks like."""

import gzip

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.adapters import decoder
from schemas.adapters.binary_kinds import looks_like
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES, looked

PROTOBUF = b"\x0a\x0bpage_viewed\x12\x03e-1\x18\x96\x01\x25\0\0\x80\x3f"
AVRO = b"\x1cproduct_viewed\x06A-7\xcd\xcc"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (msgspec.msgpack.encode(looked(0)), "MessagePack"),
        (msgspec.msgpack.encode({str(n): n for n in range(20)}), "MessagePack"),
        (PROTOBUF, "Protobuf"),
        (AVRO, "Avro"),
        (b"Obj\x01\x04\x14avro.codec", "an Avro file"),
        (b"\xc3\x01" + bytes(8) + AVRO, "Avro with the fingerprint of its schema"),
        (gzip.compress(b"{}", mtime=0), "gzip"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"<html></html>", "XML or HTML"),
    ],
)
def test_a_value_of_another_kind_is_named(value, kind):
    with pytest.raises(InvalidEvent, match=f"; it looks like {kind}$"):
        decoder("native", MAX_EVENT_BYTES)(Message(value))


@pytest.mark.parametrize(
    "value", [b"", b"{oops", b"[1", b"oops", b"\xff", b"\x81", b"\x80\x80", b"e-1,view", b"\0"]
)
def test_of_what_could_be_anything_nothing_is_said(value):
    assert looks_like(value) is None


@given(st.binary(max_size=60))
def test_any_bytes_can_be_looked_at(value):
    assert looks_like(value) is None or looks_like(value)
