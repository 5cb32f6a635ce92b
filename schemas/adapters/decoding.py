"""From one message to one event: the checks that all formats share, around the one that reads the format."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.adapters import commercetools, native, rees46, segment, shopify, woocommerce
from schemas.adapters.decoded import Decoded
from schemas.adapters.options import FormatOptions
from schemas.adapters.reasons import invalid_event
from schemas.errors import SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent

Decode = Callable[[Message], Decoded]


class Format(NamedTuple):
    """How messages of one format are read.

    ``parts`` returns what a message with several events is made of: messages of the same format with one
    event each; None where it holds one. Both raise InvalidEvent, ``read`` also pydantic's ValidationError.
    ``reader`` makes what reads a format as a shop has set it, where there is something to set.
    """

    read: Decode
    parts: Callable[[Message], Sequence[Message] | None] = lambda _: None
    reader: Callable[[FormatOptions], Decode] | None = None


FORMATS: Final[dict[str, Format]] = {
    "native": Format(native.read),
    "segment": Format(segment.read),
    "shopify": Format(shopify.read),
    "woocommerce": Format(woocommerce.read, woocommerce.parts, woocommerce.reader),
    "commercetools": Format(commercetools.read, commercetools.parts, commercetools.reader),
    "rees46": Format(rees46.read),
}


DEFAULTS: Final = FormatOptions()


def decoder(form: str, max_event_bytes: int, options: FormatOptions = DEFAULTS) -> Decode:
    """The function that reads messages of format `form`, of at most so many bytes, as a shop has set it.

    It raises InvalidEvent for every message that is no valid event and nothing else. An unknown format raises
    SetupError here.
    """
    if form not in FORMATS:
        raise SetupError(f"format must be one of {', '.join(FORMATS)}; got {form!r}")
    reader = FORMATS[form].reader
    read = FORMATS[form].read if reader is None else reader(options)

    def decode(message: Message) -> Decoded:
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
            return read(message)
        except InvalidEvent:
            raise
        except ValidationError as error:
            raise invalid_event(error, value) from None
        except Exception as error:  # one message must never stop the worker
            raise InvalidEvent("internal", f"{type(error).__name__} while reading {form}") from error

    return decode
