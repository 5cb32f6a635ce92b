"""From one message to one event: the checks that all formats share, around the one that reads the format."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.adapters import native, rees46, segment
from schemas.adapters.batches import Decode, SeveralEvents, parts_of_calls
from schemas.adapters.decoded import Decoded
from schemas.adapters.reasons import invalid_event
from schemas.errors import SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent


class Format(NamedTuple):
    """How messages of one format are read.

    ``parts`` returns what a message with several events is made of: messages of the same format with one
    event each; None where it holds one. Both raise InvalidEvent, ``read`` also pydantic's ValidationError, or
    SeveralEvents where it is the reading that shows them.
    """

    read: Decode
    parts: Callable[[Message], Sequence[Message] | None] | None = None


FORMATS: Final[dict[str, Format]] = {
    "native": Format(native.read),
    "segment": Format(segment.read, parts_of_calls),
    "rees46": Format(rees46.read),
}


def decoder(form: str, max_event_bytes: int) -> Decode:
    """The function that reads messages of format `form`, of at most so many bytes.

    It raises InvalidEvent for every message that is no valid event, SeveralEvents for one that holds several,
    and nothing else. An unknown format raises SetupError here.
    """
    if form not in FORMATS:
        raise SetupError(f"format must be one of {', '.join(FORMATS)}; got {form!r}")
    read, parts_of = FORMATS[form]

    def decode(message: Message, /) -> Decoded:
        value = message.value
        if not value:
            raise InvalidEvent(
                "empty", "the record has no value" if value is None else "the value has no bytes"
            )
        if message.key == b"":
            raise InvalidEvent("empty_key", "the key has no bytes; leave it out or name the visitor")
        if len(value) > max_event_bytes:
            raise InvalidEvent("too_large", f"{len(value)} bytes; an event has at most {max_event_bytes}")
        try:
            if parts_of is not None and message.part is None:
                _raise_if_several(parts_of(message))
            return read(message)
        except (InvalidEvent, SeveralEvents):
            raise
        except ValidationError as error:
            raise invalid_event(error, value) from None
        except Exception as error:  # one message must never stop the worker
            raise InvalidEvent("internal", f"{type(error).__name__} while reading {form}") from error

    return decode


def _raise_if_several(parts: Sequence[Message] | None) -> None:
    if parts is not None:
        raise SeveralEvents(parts)
