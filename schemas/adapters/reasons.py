"""Why a message is invalid, in short words for people, from the errors of pydantic and the JSON parser."""

import json
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from schemas.adapters.binary_kinds import looks_like
from schemas.errors import SUBJECT
from schemas.rejected import InvalidEvent, RejectClass

HALF_A_PAIR: Final = "hex escape"
"""What the parser's words have in common where a text holds half a surrogate pair."""


def parse(value: bytes) -> Any:  # noqa: ANN401  JSON is anything
    """The JSON in `value`, read as strictly as native events are; raises InvalidEvent.

    Only a text with half a surrogate pair is let through: it costs the field it stands in, not the event.
    """
    try:
        return from_json(value)
    except ValueError as error:
        problem = unreadable(value, str(error))
        if problem.class_ != "not_json" or HALF_A_PAIR not in problem.reason:
            raise problem from None
    try:
        return json.loads(value.decode())
    except (ValueError, RecursionError):
        raise problem from None


def text_of(value: bytes) -> str:
    """The text in `value`; raises InvalidEvent."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent(
            "encoding", f"not UTF-8: byte 0x{value[error.start]:02x} at {error.start}"
        ) from None


def unreadable(value: bytes, problem: str) -> InvalidEvent:
    """The error of a value in which the JSON parser found this problem."""
    try:
        text_of(value)
    except InvalidEvent as not_text:
        invalid = not_text
    else:
        if problem.startswith("recursion limit"):
            return InvalidEvent("too_deep", "nested too deeply")
        invalid = InvalidEvent("not_json", f"not JSON: {problem}")
    kind = looks_like(value)
    return (
        invalid if kind is None else InvalidEvent(invalid.class_, f"{invalid.reason}; it looks like {kind}")
    )


def invalid_event(error: ValidationError, value: bytes) -> InvalidEvent:
    """The first error of the message."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return unreadable(value, str(first["ctx"]["error"]))
    return InvalidEvent(*_class_and_reason(first))


def _class_and_reason(first: ErrorDetails) -> tuple[RejectClass, str]:
    # The first place of an error inside an event is the event's type.
    field = ".".join(map(str, first["loc"][1:]))
    if first["type"] == "union_tag_invalid":
        return "unknown_type", f"type {first['ctx']['tag']!r} is not known"
    if field == "market" and first["type"] == "string_pattern_mismatch":
        return "unknown_market", f"market {first['input']!r} is not a market's name"
    return "invalid", reason_of(first, field)


def reason_of(first: ErrorDetails, field: str) -> str:
    """Return in short words what is wrong with a field."""
    plain = {
        "union_tag_not_found": "type is missing",
        "missing": f"{field} is missing",
        "too_short": f"{field} should not be empty",
    }
    if first["type"] in plain:
        return plain[first["type"]]
    if not field:
        return "an event must be a JSON object"
    problem = SUBJECT.sub("should", first["msg"])
    # Numbers help whoever reads the reason; texts may be personal and stand in the rejected bytes anyway.
    given = first["input"]
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return f"{field} {problem}; got {given!r}" if is_number else f"{field} {problem}"
