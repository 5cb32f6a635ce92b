"""Native events: plain JSON, or a CloudEvents 1.0 envelope around it, structured or binary.

An event of a type that is not modelled is taken as ``activity``, with the type as its name. In an envelope
the event's own fields win; ``id``, ``time``, ``type`` and ``visitor_id`` that it lacks are taken from the
attributes ``id``, ``time``, ``type`` and ``subject``.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

from pydantic import ValidationError

from schemas.adapters.decoded import Decoded, Fields, event_of
from schemas.adapters.mending import KINDS
from schemas.adapters.reasons import parse
from schemas.events import EVENTS, Event
from schemas.message import Message
from schemas.rejected import InvalidEvent

BINARY_MARK: Final = "ce_specversion"
STRUCTURED_TYPE: Final = b"application/cloudevents"
MAX_NAME: Final = 100
FIELD_OF: Final = {"id": "id", "time": "time", "type": "type", "subject": "visitor_id"}

_validate_json: Final[Callable[[bytes], Event]] = EVENTS.validator.validate_json  # without a wrapper


def read(message: Message) -> Decoded:
    """The event in `message`; raises InvalidEvent or pydantic's ValidationError."""
    value = message.value or b""
    for name, header in message.headers:
        if name == BINARY_MARK:
            return _binary(message)
        if header is not None and name.lower() == "content-type" and header.startswith(STRUCTURED_TYPE):
            return _structured(parse(value))
    # A file has no headers, so the envelope is also known by the attribute that it must have.
    if b'"specversion"' in value:
        given = parse(value)
        if isinstance(given, dict) and "specversion" in given:
            return _structured(given)
    return _validated(value)


def _validated(value: bytes) -> Decoded:
    try:
        return Decoded(_validate_json(value))
    except ValidationError:
        given = parse(value)
        if not isinstance(given, dict):
            raise
        return event_in(given)


def event_in(given: Fields) -> Decoded:
    """The native event with these fields; raises InvalidEvent or pydantic's ValidationError."""
    kind = given.get("type")
    if isinstance(kind, str) and kind and kind not in KINDS:
        given = given | {"type": "activity", "name": kind[:MAX_NAME]}
    return event_of(given, strict=True)


def _binary(message: Message) -> Decoded:
    try:
        named = {
            name: value.decode()
            for name, value in message.headers
            if value is not None and name.startswith("ce_")
        }
    except UnicodeDecodeError:
        raise InvalidEvent("encoding", "a ce_ header is not UTF-8") from None
    return _filled(parse(message.value or b""), {name[3:]: value for name, value in named.items()})


def _structured(envelope: Any) -> Decoded:  # noqa: ANN401  JSON is anything
    if not isinstance(envelope, dict):
        raise InvalidEvent("invalid", "a CloudEvents envelope must be a JSON object")
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
        raise InvalidEvent("invalid", "the data of a CloudEvents envelope must be a JSON object")
    given = {field: attributes[name] for name, field in FIELD_OF.items() if name in attributes}
    return event_in(given | data)
