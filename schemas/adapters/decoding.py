"""From one message to one event: the checks that all formats share, around the one that reads the format."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.adapters import (
    commercetools,
    ga4,
    generic,
    native,
    rees46,
    segment,
    shopify,
    snowplow,
    woocommerce,
)
from schemas.adapters.batches import Decode, Parts, SeveralEvents, in_arrays, parts_of_calls
from schemas.adapters.decoded import Decoded
from schemas.adapters.event_structs import decoded_event
from schemas.adapters.frames import PayloadReader, unframed
from schemas.adapters.options import FormatOptions
from schemas.adapters.reasons import invalid_event
from schemas.errors import SetupError
from schemas.events import Event
from schemas.message import Message
from schemas.rejected import InvalidEvent
from schemas.trace_headers import trace_in_headers

OBJECT: Final = ord("{")
"""What a value without a frame begins with, in most formats."""


class Format(NamedTuple):
    """How messages of one format are read.

    ``parts`` returns what a message with several events is made of: messages of the same format with one
    event each, none where it says nothing; None where it holds one. Both raise InvalidEvent, ``read`` also
    pydantic's ValidationError, or SeveralEvents where it is the reading that shows them. ``reader`` makes
    what reads a format as a shop has set it, where there is something to set. ``opened`` makes ``read`` and
    ``parts`` of a format that a file describes. ``plain`` returns the event in the value of a message without
    headers, None where ``read`` has to look at it.
    """

    read: Decode
    parts: Parts | None = None
    reader: Callable[[FormatOptions], Decode] | None = None
    opened: Callable[[Path], tuple[Decode, Parts]] | None = None
    plain: Callable[[bytes], Event | None] | None = None


FORMATS: Final[dict[str, Format]] = {
    "native": Format(native.read, plain=decoded_event),
    "segment": Format(segment.read, parts_of_calls, segment.reader),
    "ga4": Format(ga4.read, in_arrays(ga4.parts)),
    "snowplow": Format(snowplow.read, in_arrays()),
    "shopify": Format(shopify.read, in_arrays()),
    "woocommerce": Format(woocommerce.read, in_arrays(woocommerce.parts), woocommerce.reader),
    "commercetools": Format(commercetools.read, in_arrays(commercetools.parts), commercetools.reader),
    "generic": Format(generic.read, opened=generic.opened),
    "rees46": Format(rees46.read),
}


SELF_DESCRIBED: Final = tuple(name for name, each in FORMATS.items() if each.opened is None)
"""The formats that need no file of their own to be read."""
DEFAULTS: Final = FormatOptions()


def format_named(form: str) -> Format:
    """The format of a name, or of a name and the file that describes it: ``generic:house.toml``.

    Raises SetupError for a format that is unknown, lacks its file or has one it does not need, and for what
    is wrong in the file.
    """
    name, colon, file = form.partition(":")
    if name not in FORMATS:
        raise SetupError(f"format must be one of {', '.join(FORMATS)}; got {form!r}")
    opened = FORMATS[name].opened
    if opened is None:
        if colon:
            raise SetupError(f"format {name} takes no file; got {form!r}")
        return FORMATS[name]
    if not file:
        raise SetupError(f"format {name} must name its file, as in `{name}:house.toml`; got {form!r}")
    return Format(*opened(Path(file)))


def decoder(
    form: str,
    max_event_bytes: int,
    options: FormatOptions = DEFAULTS,
    *,
    payloads: PayloadReader | None = None,
) -> Decode:
    """The function that reads messages of format `form`, of at most so many bytes, as a shop has set it.

    Values in the frame of a Schema Registry's serializer are read too, with ``payloads`` also those in Avro.
    It raises InvalidEvent for every message that is no valid event, SeveralEvents for one that holds several,
    and nothing else. An unknown format raises SetupError here.
    """
    found = format_named(form)
    parts_of, plain = found.parts, found.plain
    read = found.read if found.reader is None else found.reader(options)

    def decode(message: Message, /) -> Decoded:
        value = message.value
        if not value or message.key == b"" or len(value) > max_event_bytes:
            raise _unfit(message, max_event_bytes)
        if plain is not None and not message.headers and (event := plain(value)) is not None:
            return Decoded(event)
        if value[0] != OBJECT or message.headers:
            message = unframed(message, payloads)
        try:
            if parts_of is not None and message.part is None:
                _raise_if_several(parts_of(message))
            decoded = read(message)
            return decoded.traced(trace_in_headers(message.headers)) if message.headers else decoded
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
