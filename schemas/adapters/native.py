"""Native events: plain JSON, or a CloudEvents 1.0 envelope around it, structured, binary or in a batch.

An event of a type that is not modelled is taken as ``activity``, with the type as its name. In an envelope
the event's own fields win; ``id``, ``time``, ``type`` and ``visitor_id`` that it lacks are taken from the
attributes ``id``, ``time``, ``type`` and ``subject``, and its trace from ``traceparent`` and ``tracestate``.
An array holds several events, plain or in envelopes.
"""

import base64
import binascii
from collections.abc import Callable
from types import NoneType
from typing import Any, Final

from pydantic import ValidationError

from schemas.adapters.batches import SeveralEvents, parts_of
from schemas.adapters.decoded import Decoded, Fields, event_of
from schemas.adapters.event_structs import decoded_event
from schemas.adapters.mending import KINDS
from schemas.adapters.reasons import parse
from schemas.adapters.values import MAX_NAME
from schemas.events import EVENTS, Event
from schemas.message import Header, Message
from schemas.rejected import InvalidEvent
from schemas.trace_headers import trace_in

BINARY_MARK: Final = "specversion"
PREFIXES: Final = ("ce_", "ce-")
"""What the names of attributes in headers begin with: Kafka's, and HTTP's where records come from there."""
STRUCTURED_TYPE: Final = b"application/cloudevents"
BATCH_TYPE: Final = b"application/cloudevents-batch"
FIELD_OF: Final = {"id": "id", "time": "time", "type": "type", "subject": "visitor_id"}

_validate_json: Final[Callable[[bytes], Event]] = EVENTS.validator.validate_json  # without a wrapper


def read(message: Message) -> Decoded:
    """The event in `message`; raises InvalidEvent, SeveralEvents or pydantic's ValidationError."""
    value = message.value or b""
    if message.headers:
        attributes, content_type = _headers(message)
        if BINARY_MARK in attributes:
            return _binary(value, attributes)
        if content_type.startswith(STRUCTURED_TYPE):
            return _enveloped(message, parse(value))
    event = decoded_event(value)
    if event is not None:
        return Decoded(event)
    # A file has no headers, so the envelope is also known by the attribute that it must have.
    if b'"specversion"' in value:
        given = parse(value)
        if isinstance(given, dict) and "specversion" in given:
            return _structured(given)
    try:
        return Decoded(_validate_json(value))
    except ValidationError:
        given = parse(value)
        if isinstance(given, dict):
            return event_in(given)
        _raise_if_several(message, given)
        raise


def _headers(message: Message) -> tuple[dict[str, bytes], bytes]:
    """The attributes of CloudEvents in the headers, without those that are null, and the content type."""
    attributes: dict[str, bytes] = {}
    content_type = b""
    for name, value in message.headers:
        if value is not None:
            plain = name.lower()
            if plain.startswith(PREFIXES):
                attributes.setdefault(plain[3:], value)
            elif plain == "content-type":
                content_type = value.strip().lower()
    return attributes, content_type


def _raise_if_several(message: Message, given: Any) -> None:  # noqa: ANN401  JSON is anything
    if isinstance(given, list) and message.part is None:
        headers = tuple(map(_of_one, message.headers))
        raise SeveralEvents(parts_of(message, given, "id", headers))


def _of_one(header: Header) -> Header:
    name, value = header
    if name.lower() == "content-type" and value is not None and value.strip().lower().startswith(BATCH_TYPE):
        return name, b"application/cloudevents+json"
    return header


def event_in(given: Fields) -> Decoded:
    """The native event with these fields; raises InvalidEvent or pydantic's ValidationError."""
    kind = given.get("type")
    if isinstance(kind, str) and kind and kind not in KINDS:
        given = given | {"type": "activity", "name": kind[:MAX_NAME]}
    return event_of(given, strict=True)


def _binary(value: bytes, headers: dict[str, bytes]) -> Decoded:
    try:
        attributes = {name: header.decode() for name, header in headers.items()}
    except UnicodeDecodeError:
        raise InvalidEvent("encoding", "a ce_ header is not UTF-8") from None
    return _filled(parse(value), attributes)


def _enveloped(message: Message, given: Any) -> Decoded:  # noqa: ANN401  JSON is anything
    _raise_if_several(message, given)
    return _structured(given)


def _structured(envelope: Any) -> Decoded:  # noqa: ANN401  JSON is anything
    if not isinstance(envelope, dict):
        raise InvalidEvent(
            "invalid", f"a CloudEvents envelope must be a JSON object; it is {_kind(envelope)}"
        )
    if "data_base64" in envelope:
        try:
            data = parse(base64.b64decode(envelope["data_base64"], validate=True))
        except (binascii.Error, TypeError, ValueError):
            raise InvalidEvent("encoding", "data_base64 is not base64") from None
    elif "data" in envelope:
        data = envelope["data"]
    else:
        raise InvalidEvent("invalid", "data is missing in the CloudEvents envelope")
    return _filled(data, envelope)


def _filled(data: Any, attributes: dict[str, Any]) -> Decoded:  # noqa: ANN401  JSON is anything
    version = attributes.get("specversion")
    if version != "1.0":
        raise InvalidEvent("invalid", f"specversion should be 1.0; got {version!r}")
    if not isinstance(data, dict):
        raise InvalidEvent(
            "invalid", f"the data of a CloudEvents envelope must be a JSON object; it is {_kind(data)}"
        )
    given = {field: attributes[name] for name, field in FIELD_OF.items() if name in attributes}
    return event_in(given | data).traced(trace_in(attributes))


def _kind(value: Any) -> str:  # noqa: ANN401  JSON is anything
    kinds = {str: "a text", list: "an array", bool: "a boolean", NoneType: "null"}
    return kinds.get(type(value), "a number")
