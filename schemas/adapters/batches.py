"""One message that holds several events: its parts, each a message of the same format by itself.

A part keeps the place of its message and has a position in it. One without an id of its own gets its id from
there, so that what is read again, or sent back by itself, is the same event.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from msgspec.structs import replace
from pydantic_core import to_json

from schemas.adapters.decoded import Decoded
from schemas.adapters.reasons import parse
from schemas.message import Header, Message, place_of
from schemas.rejected import InvalidEvent

Parts = Callable[[Message], Sequence[Message] | None]

LEADING: Final = 64
"""An array is looked for behind at most so many bytes of space."""
CALL_FIELDS: Final = ("anonymousId", "userId", "timestamp", "sentAt", "receivedAt")
"""What calls take from their batch where they lack it; of ``context`` they take each field."""


class SeveralEvents(Exception):  # noqa: N818  it is no error
    """A message that holds several events, or none since it says nothing: ``parts`` has those there are."""

    def __init__(self, parts: Sequence[Message]) -> None:
        super().__init__(len(parts))
        self.parts = [replace(part, part=number) for number, part in enumerate(parts)]


class Decode(Protocol):
    """Returns what a message holds; raises InvalidEvent or SeveralEvents."""

    def __call__(self, message: Message, /) -> Decoded:
        """Return the event."""


def decode_each(decode: Decode, message: Message) -> Iterator[tuple[Message, Decoded | InvalidEvent]]:
    """Yield each event of a message, or why it is none, with the message or the part of it that holds it."""
    try:
        yield message, decode(message)
    except InvalidEvent as invalid:
        yield message, invalid
    except SeveralEvents as several:
        for part in several.parts:
            yield from decode_each(decode, part)


def in_arrays(parts: Parts | None = None) -> Parts:
    """Return what splits a message of a format of objects that may stand in an array, each with these parts.

    InvalidEvent where the array holds none. What is wrong with an element is said when it is read.
    """

    def split(message: Message) -> Sequence[Message] | None:
        value = message.value or b""
        if not value[:LEADING].lstrip().startswith(b"["):
            return None if parts is None else parts(message)
        found = [replace(message, value=json_of(each)) for each in parse(value)]
        if not found:
            raise InvalidEvent("empty", "the batch holds no event")
        return [part for each in found for part in _parts_or_itself(parts, each)]

    return split


def _parts_or_itself(parts: Parts | None, message: Message) -> Sequence[Message]:
    try:
        split = None if parts is None else parts(message)
    except InvalidEvent:
        split = None
    return [message] if split is None else split


def parts_of(
    message: Message, elements: Sequence[Any], id_name: str, headers: tuple[Header, ...] | None = None
) -> list[Message]:
    """Return the parts of a message that holds these elements; ``id_name`` is the field of an event's id.

    InvalidEvent where there are none.
    """
    if not elements:
        raise InvalidEvent("empty", "the batch holds no event")
    headers = message.headers if headers is None else headers
    parts = [replace(message, part=number, headers=headers) for number in range(len(elements))]
    named = (_named(element, id_name, part) for element, part in zip(elements, parts, strict=True))
    return [replace(part, value=json_of(element)) for part, element in zip(parts, named, strict=True)]


def _named(element: Any, id_name: str, part: Message) -> Any:  # noqa: ANN401  JSON is anything
    if isinstance(element, dict) and element.get(id_name) in (None, ""):
        return element | {id_name: place_of(part)}
    return element


def parts_of_calls(message: Message) -> list[Message] | None:
    """Return the parts of a batch of Segment's HTTP API, or of an array of calls; None for a single call."""
    value = message.value or b""
    if b'"batch"' not in value and not value.lstrip().startswith(b"["):
        return None
    given = parse(value)
    if isinstance(given, list):
        return parts_of(message, given, "messageId")
    calls = given.get("batch") if isinstance(given, dict) else None
    if not isinstance(calls, list):
        return None
    return parts_of(message, [_call_in(given, call) for call in calls], "messageId")


def _call_in(batch: dict[str, Any], call: Any) -> Any:  # noqa: ANN401  JSON is anything
    if not isinstance(call, dict):
        return call
    lacking = [name for name in CALL_FIELDS if name in batch and call.get(name) is None]
    taken: dict[str, Any] = {name: batch[name] for name in lacking}
    outer, inner = batch.get("context"), call.get("context")
    if isinstance(outer, dict):
        taken["context"] = outer | inner if isinstance(inner, dict) else outer
    return call | taken


def json_of(element: Any) -> bytes:  # noqa: ANN401  JSON is anything
    """Return something that was read from JSON as JSON, half a surrogate pair included."""
    try:
        return to_json(element, inf_nan_mode="constants")
    except ValueError:  # half a surrogate pair
        return json.dumps(element, separators=(",", ":")).encode()
