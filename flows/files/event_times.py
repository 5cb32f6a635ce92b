"""When the events of a file happened, read ahead of the replay as cheaply as each format allows."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

import msgspec

from flows.files.input_file import InputFile
from schemas.adapters import CSV_HEADER, REES46_HEADER, Decoded, decode_each, decoder
from schemas.adapters.clocks import happened_at
from schemas.adapters.reasons import parse
from schemas.adapters.rees46 import time_reader as rees46_times
from schemas.message import Message

TimeOf = Callable[[bytes], datetime | None]
"""When the first event in a record happened; None for what is no event, as far as its time shows."""


class _Native(msgspec.Struct):
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    specversion: str | None = None


_native: Final = msgspec.json.Decoder(_Native).decode


def _native_time(value: bytes) -> datetime:
    event = _native(value)
    if event.specversion is not None:
        raise ValueError("an event in an envelope may take its time from there")
    return event.time


def _segment_time(value: bytes) -> datetime:
    return happened_at(parse(value))


def time_reader(file: InputFile, form: str, max_event_bytes: int) -> TimeOf:
    """Return what finds the time in a record of a file; where a format has no short way, by decoding it.

    A record that holds several events has the time of the first.
    """
    decode = decoder(form, max_event_bytes)

    def decoded_time(value: bytes) -> datetime | None:
        found = (each for _, each in decode_each(decode, Message(value, None, file.headers)))
        return next((each.event.time for each in found if isinstance(each, Decoded)), None)

    short_ways: dict[str, TimeOf] = {
        "native": _native_time,
        "segment": _segment_time,
        "rees46": rees46_times(dict(file.headers).get(CSV_HEADER, REES46_HEADER)),
    }
    read = short_ways.get(form, decoded_time)

    def time_of(value: bytes) -> datetime | None:
        try:
            return read(value)
        except Exception:  # noqa: BLE001  the decoder knows all that a message may be
            return decoded_time(value)

    return time_of
