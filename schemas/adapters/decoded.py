"""A message that was read: the event in it, and what of it was dropped on the way."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from pydantic import ValidationError
from pydantic_core import to_json

from schemas.adapters.lines import check_refund, with_lines_read
from schemas.adapters.mending import mended, with_currency
from schemas.events import EVENTS, Event
from schemas.trace_headers import FoundTrace, TraceHeaders

Fields = dict[str, Any]
"""The fields of a native event, before they are validated."""

MONEY: Final = ("items", "discount")

_validate_json: Final[Callable[[bytes], Event]] = EVENTS.validator.validate_json  # without a wrapper


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """An event, the names of those of its fields that were not taken as they stood, and its trace.

    ``beside`` are further events that the same message says: an erasure under an earlier pseudonym.
    """

    event: Event
    dropped: tuple[str, ...] = ()
    trace: TraceHeaders | None = None
    beside: tuple[Event, ...] = ()

    def traced(self, found: FoundTrace) -> "Decoded":
        """Return it with a trace that was found beside it."""
        if found.trace is None and not found.dropped:
            return self
        return Decoded(self.event, self.dropped + found.dropped, found.trace or self.trace)

    @property
    def is_partial(self) -> bool:
        """Whether some of its lines or discounts were odd, so that its worth may not be what was meant."""
        return any(name.startswith(MONEY) for name in self.dropped)


def event_of(given: Fields, *, strict: bool = False) -> Decoded:
    """Return the event with these fields, without what is invalid of its optional ones.

    Not ``strict``: numbers may be text, as they often are where a format has no types. Lines of carts and
    orders are read by the rule of ``schemas.adapters.lines``. InvalidEvent or pydantic's ValidationError
    where what is invalid must be there.
    """
    if "currency" in given:
        given = with_currency(given)
    given, odd = with_lines_read(given, strict=strict)
    validate = _validate_strictly if strict else _validate_loosely
    if not strict:
        given = {
            name: value if name == "consent" else _without_booleans(value) for name, value in given.items()
        }
    try:
        event = validate(given)
    except ValidationError as error:
        event, dropped = mended(given, error, validate, strict=strict)
        odd |= dropped
    if not odd:
        return Decoded(event)
    check_refund(event, odd)
    return Decoded(event, tuple(sorted(odd)))


_NO_VALUE: Final = object()
"""What no field may be."""


def _without_booleans(value: object) -> object:
    """A boolean is no number and no text, in whatever field it stands."""
    if type(value) is bool:
        return _NO_VALUE
    if type(value) is list:
        return [_without_booleans(each) for each in value]
    if type(value) is dict:
        return {name: _without_booleans(each) for name, each in value.items()}
    return value


def _validate_loosely(given: Fields) -> Event:
    return EVENTS.validator.validate_python(given, strict=False)  # type: ignore[no-any-return]


def _validate_strictly(given: Fields) -> Event:
    try:
        wire = to_json(given, inf_nan_mode="constants")
    except ValueError:  # half a surrogate pair is no text: as a boolean it is invalid wherever it stands
        wire = to_json(_without_halves(given), inf_nan_mode="constants")
    return _validate_json(wire)


def _without_halves(value: Any) -> Any:  # noqa: ANN401  JSON is anything
    if isinstance(value, str):
        return value if _is_whole(value) else False
    if isinstance(value, list):
        return [_without_halves(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_halves(each) for name, each in value.items() if _is_whole(name)}
    return value


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
