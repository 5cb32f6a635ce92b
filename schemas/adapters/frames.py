"""Values from Confluent's serializers: the schema that they were written by, and the payload.

The id of the schema stands before the payload: a zero byte and four bytes, big-endian. Or it is in the header
``__value_schema_id``: the byte 1 and the GUID of the schema in 16 bytes; also the zero byte and the id.
"""

from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec.structs import replace
from pydantic_core import from_json

from schemas.message import Message
from schemas.rejected import InvalidEvent

SCHEMA_HEADER: Final = "__value_schema_id"
BY_ID: Final = 0
BY_GUID: Final = 1
ID_END: Final = 5
GUID_END: Final = 17
SPACE: Final = b" \t\r\n"

SchemaId = int | UUID


class Frame(NamedTuple):
    """The schema that a payload was written by, and the payload."""

    schema: SchemaId
    payload: bytes


class PayloadReader(Protocol):
    """Reads payloads by their schemas."""

    def json_of(self, frame: Frame) -> bytes:
        """Return the payload as JSON; raises InvalidEvent."""


def frame_of(message: Message) -> Frame | None:
    """Return the frame of a message's value, None where it has none.

    >>> frame_of(Message(bytes([0, 0, 0, 0, 7]) + b"{}"))
    Frame(schema=7, payload=b'{}')
    """
    value = message.value or b""
    for name, header in message.headers:
        if name == SCHEMA_HEADER:
            schema = _schema_id(header or b"")
            if schema is not None:
                return Frame(schema, value)
            break
    if len(value) <= ID_END or value[0] != BY_ID:
        return None
    return Frame(int.from_bytes(value[1:ID_END]), value[ID_END:])


def _schema_id(header: bytes) -> SchemaId | None:
    if len(header) >= GUID_END and header[0] == BY_GUID:
        return UUID(bytes=header[1:GUID_END])
    if len(header) >= ID_END and header[0] == BY_ID:
        return int.from_bytes(header[1:ID_END])
    return None


def has_no_frame(message: Message) -> bool:
    """Return whether a value surely has no frame; cheap, for most have none."""
    return not message.value or (message.value[0] != BY_ID and not message.headers)


def schema_to_read(message: Message) -> SchemaId | None:
    """Return the schema without which a PayloadReader cannot read a message, None where it needs none."""
    frame = None if has_no_frame(message) else frame_of(message)
    return None if frame is None or _is_json(frame.payload, strict=True) else frame.schema


def _is_json(payload: bytes, *, strict: bool) -> bool:
    """Return whether a payload is JSON, whose schema nobody needs.

    Some payloads in Avro begin like it: where their schemas can be had, it is only what can be parsed.
    """
    if payload.lstrip(SPACE)[:1] not in (b"{", b"["):
        return False
    if strict:
        try:
            from_json(payload)
        except ValueError:
            return False
    return True


def unframed(message: Message, reader: PayloadReader | None = None) -> Message:
    """Return the message with a value that is as formats read it: without its frame, in JSON.

    Without a reader of payloads only JSON can be read. Raises InvalidEvent for what cannot.
    """
    frame = None if has_no_frame(message) else frame_of(message)
    if frame is None:
        return message
    if _is_json(frame.payload, strict=reader is not None):
        return replace(message, value=frame.payload)
    if reader is None:
        raise InvalidEvent(
            "schema",
            f"a Schema Registry frame with schema {frame.schema} that is no JSON; "
            "`live` reads Avro with `--schema-registry URL`, and no Protobuf",
        )
    return replace(message, value=reader.json_of(frame))
