"""A message that was read: the event in it, and what of it was dropped on the way."""

from typing import Any, NamedTuple

from schemas.events import EVENTS, Event

Fields = dict[str, Any]
"""The fields of a native event, before they are validated."""


class Decoded(NamedTuple):
    """An event, and the names of the optional fields and of the parts of its lines that were dropped."""

    event: Event
    dropped: tuple[str, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether lines of the event were not taken as they stand."""
        return any(name.startswith("items") for name in self.dropped)


def event_of(given: Fields, *, strict: bool = False) -> Decoded:
    """Return the event with these fields; raises pydantic's ValidationError.

    Not ``strict``: numbers may be text, as they often are where a format has no types.
    """
    return Decoded(EVENTS.validate_python(given, strict=strict))
