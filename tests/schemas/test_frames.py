"""Values from Confluent's serializers: JSON is read without its frame, the rest by its schema or refused."""

import struct
from uuid import UUID

import orjson
import pytest

from schemas.adapters import decoder
from schemas.adapters.frames import SCHEMA_HEADER, Frame, frame_of, schema_to_read, unframed
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject
from tests.builders import MAX_EVENT_BYTES, as_model
from tests.schema_registry import SchemaRegistry, Serializing

VIEWED = {"type": "page_viewed", "id": "e-1", "time": "2026-03-01T12:00:00Z", "visitor_id": "v-1"}
JSON_SCHEMA = {"title": "Event", "type": "object", "properties": {"id": {"type": "string"}}}
AVRO_SCHEMA = {"type": "record", "name": "Event", "fields": [{"name": "id", "type": "string"}]}
GUID = UUID("3f2504e0-4f89-41d3-9a0c-0305e82c3301")


def framed(payload, schema=7):
    return struct.pack(">bI", 0, schema) + payload


def in_header(payload, header, *others):
    return Message(payload, headers=(*others, (SCHEMA_HEADER, header)))


class Reader:
    """Says of every payload that it is a page view, or what is refused."""

    def __init__(self, refused=None):
        self.refused = refused
        self.frames = []

    def json_of(self, frame):
        self.frames.append(frame)
        if self.refused is not None:
            raise self.refused
        return orjson.dumps(VIEWED)


def read(message, payloads=None, form="native"):
    return as_model(decoder(form, MAX_EVENT_BYTES, payloads=payloads)(message).event)


def refusal(message, payloads=None):
    with pytest.raises(InvalidEvent) as refused:
        read(message, payloads)
    return refused.value.class_, refused.value.reason


@pytest.mark.parametrize("in_header", [False, True], ids=["before the payload", "in a header"])
def test_json_of_a_real_serializer_is_read_without_its_registry(in_header):
    with SchemaRegistry() as registry:
        value, headers = Serializing(registry).json(JSON_SCHEMA, VIEWED, in_header=in_header)
    assert value.startswith(b"{") == in_header
    assert read(Message(value, headers=headers)).id == "e-1"


@pytest.mark.parametrize("in_header", [False, True], ids=["before the payload", "in a header"])
def test_avro_of_a_real_serializer_is_refused_with_its_schema_and_what_to_do(in_header):
    with SchemaRegistry() as registry:
        value, headers = Serializing(registry).avro(AVRO_SCHEMA, {"id": "e-1"}, in_header=in_header)
        schema = registry.guid(1) if in_header else 1
    class_, reason = refusal(Message(value, headers=headers))
    assert class_ == "schema"
    assert reason == (
        f"a Schema Registry frame with schema {schema} that is no JSON; "
        "`live` reads Avro with `--schema-registry URL`, and no Protobuf"
    )


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        (Message(None), None),
        (Message(b""), None),
        (Message(b"\0\0\0\0"), None),
        (Message(b"\0\0\0\0\7"), None),
        (Message(b"{}"), None),
        (Message(framed(b"x", 2**32 - 1)), Frame(2**32 - 1, b"x")),
        (in_header(b"x", b"\1" + GUID.bytes), Frame(GUID, b"x")),
        (in_header(b"x", b"\1" + GUID.bytes + b"\0\2"), Frame(GUID, b"x")),
        (in_header(b"x", b"\0\0\0\0\7"), Frame(7, b"x")),
        (in_header(framed(b"x"), b"\0\0\0\0\7"), Frame(7, framed(b"x"))),
        (in_header(b"x", b"\0\0\0\0\7", (SCHEMA_HEADER, b"\0\0\0\0\10")), Frame(8, b"x")),
        (in_header(b"x", b"\2" + GUID.bytes), None),
        (in_header(b"x", b"\1" + GUID.bytes[:-1]), None),
        (in_header(b"x", b""), None),
        (in_header(b"x", None), None),
        (in_header(framed(b"x"), None), Frame(7, b"x")),
        (Message(b"x", headers=(("__key_schema_id", b"\0\0\0\0\7"),)), None),
    ],
)
def test_a_frame_is_a_zero_byte_and_an_id_or_a_header(message, frame):
    assert frame_of(message) == frame


@pytest.mark.parametrize("space", [b"", b" ", b"\r\n\t"])
def test_json_may_begin_with_space(space):
    assert read(Message(framed(space + orjson.dumps(VIEWED)))).id == "e-1"


def test_json_in_a_frame_is_read_in_every_format():
    call = {"type": "page", "messageId": "m-1", "anonymousId": "v-1", "timestamp": "2026-03-01T12:00:00Z"}
    assert read(Message(framed(orjson.dumps(call))), form="segment").id == "m-1"


def test_a_cloud_event_in_binary_mode_may_have_its_data_in_a_frame():
    given = {"id": "c-1", "type": "page_viewed", "subject": "v-1", "time": VIEWED["time"]}
    attributes = {"specversion": "1.0"} | given
    headers = tuple((f"ce_{name}", value.encode()) for name, value in attributes.items())
    assert read(Message(framed(b'{"url": "/"}'), headers=headers)).id == "c-1"


def test_broken_json_in_a_frame_is_no_json():
    assert refusal(Message(framed(b'{"id"')))[0] == "not_json"
    assert refusal(Message(framed(b"{\xff}")))[0] == "encoding"


def test_a_reader_is_asked_for_what_is_no_json_and_its_json_is_read():
    reader = Reader()
    assert read(Message(framed(b"\x06e-1")), reader).id == "e-1"
    assert read(Message(framed(orjson.dumps(VIEWED))), reader).id == "e-1"
    assert reader.frames == [Frame(7, b"\x06e-1")]


def test_a_payload_that_only_begins_like_json_is_the_readers():
    reader = Reader()
    assert read(Message(framed(b"{\0\0\0\0\0\0\0")), reader).id == "e-1"
    assert read(in_header(b"{\0\0\0\0\0\0\0", b"\0\0\0\0\7"), reader).id == "e-1"
    assert len(reader.frames) == 2


def test_what_a_reader_refuses_is_rejected_with_the_bytes_and_headers_as_they_came():
    message = Message(framed(b"\x06e-1"), b"k", (("own", b"1"),), "events", 0, 3)
    refused = InvalidEvent("schema", "schema 7: unknown")
    assert refusal(message, Reader(refused)) == ("schema", "schema 7: unknown")
    record = reject(message, refused)
    assert (record.value, record.key, record.headers[0]) == (message.value, b"k", ("own", b"1"))


def test_a_frame_says_which_schema_must_be_there_to_read_it():
    assert schema_to_read(Message(framed(b"\x06e-1"))) == 7
    assert schema_to_read(in_header(b"\x06e-1", b"\1" + GUID.bytes)) == GUID
    for needs_none in (
        Message(b"{}"),
        Message(None),
        Message(framed(b"{}")),
        in_header(b"[]", b"\0\0\0\0\7"),
    ):
        assert schema_to_read(needs_none) is None


def test_a_message_without_a_frame_is_handed_on_as_it_is():
    for message in (Message(b"{}"), Message(b"oops", headers=(("a", b"b"),)), Message(b"2026-03-01,view")):
        assert unframed(message, Reader()) is message
