"""From one message to one event: the checks that all formats share, around the one that reads the format."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.adapters import ga4, native, rees46, segment, snowplow
from schemas.adapters.batches import Decode, SeveralEvents, parts_of_calls
from schemas.adapters.decoded import Decoded
from schemas.adapters.frames import PayloadReader, unframed
from schemas.adapters.options import FormatOptions
from schemas.adapters.reasons import invalid_event
from schemas.errors import SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent

OBJECT: Final = ord("{")
"""What a value without a frame begins with, in most formats."""


class Format(NamedTuple):
    """How messages of one format are read.

    ``parts`` returns what a message with several events is made of: messages of the same format with one
    event each; None where it holds one. Both raise InvalidEvent, ``read`` also pydantic's ValidationError, or
    SeveralEvents where it is the reading that shows them.
    """

    read: Decode
    parts: Callable[[Message], Sequence[Message] | None] | None = None
    reader: Callable[[FormatOptions], Decode] | None = None


FORMATS: Final[dict[str, Format]] = {
    "native": Format(native.read),
    "segment": Format(segment.read, parts_of_calls, segment.reader),
    "ga4": Format(ga4.read, ga4.parts),
    "snowplow": Format(snowplow.read),
    "rees46": Format(rees46.read),
}


DEFAULTS: Final = FormatOptions()


def decoder(
    form: str, max_event_bytes: int, options: FormatOptions = DEFAULTS, payloads: PayloadReader | None = None
) -> Decode:
    """The function that reads messages of format `form`, of at most so many bytes, as a shop has set it.

    Values in the frame of a Schema Registry's serializer are read too, with ``payloads`` also those in Avro.
    It raises InvalidEvent for every message that is no valid event, SeveralEvents for one that holds several,
    and nothing else. An unknown format raises SetupError here.
    """
    if form not in FORMATS:
        raise SetupError(f"format must be one of {', '.join(FORMATS)}; got {form!r}")
    read, parts_of, reader = FORMATS[form]
    if reader is not None:
        read = reader(options)

    def decode(message: Message, /) -> Decoded:
        value = message.value
        if not value or message.key == b"" or len(value) > max_event_bytes:
            raise _unfit(message, max_event_bytes)
        if value[0] != OBJECT or message.headers:
            message = unframed(message, payloads)
        try:
            if parts_of is not None and message.part is None:
                _raise_if_several(parts_of(message))
            return read(message)
        except (InvalidEvent, SeveralEvents):
            raise
        except ValidationError as error:
            raise invalid_event(error, message.value or b"") from None
        except Exception as error:  # one message must never stop the worker
            raise InvalidEvent("internal", f"{type(error).__name__} while reading {form}") from error

    return decode


def _raise_if_several(parts: Sequence[Message] | None) -> None:
    if parts is not None:
        raise SeveralEvents(parts)


def _unfit(message: Message, max_event_bytes: int) -> InvalidEvent:
    """Return why a message is not looked into."""
    value = message.value
    if not value:
        return InvalidEvent("empty", "the record has no value" if value is None else "the value has no bytes")
    if message.key == b"":
        return InvalidEvent("empty_key", "the key has no bytes; leave it out or name the visitor")
    return InvalidEvent("too_large", f"{len(value)} bytes; an event has at most {max_event_bytes}")
