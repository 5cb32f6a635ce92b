"""Durations as people write them in settings and offer files: ``90s``, ``30m``, ``24h``, ``7d``."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainSerializer

UNIT_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
WRITTEN: Final = re.compile(r"(\d{1,9})(ms|[smhd])")


def parse_duration(text: str) -> timedelta:
    """The duration that `text` says, zero or longer.

    Raises ValueError with words to put after the name of a setting.

    >>> parse_duration("30m")
    datetime.timedelta(seconds=1800)
    >>> parse_duration("-5")
    Traceback (most recent call last):
    ValueError: must be a positive duration like `30m`; got '-5'
    """
    written = WRITTEN.fullmatch(text.strip())
    if written is None:
        raise ValueError(f"must be a positive duration like `30m`; got {text!r}")
    number, unit = written.groups()
    return timedelta(milliseconds=int(number) * UNIT_MS[unit])


def write_duration(duration: timedelta) -> str:
    """The shortest text that `parse_duration` reads back, to the millisecond.

    >>> write_duration(parse_duration("120s"))
    '2m'
    """
    left_ms = round(duration / timedelta(milliseconds=1))
    for unit, unit_ms in UNIT_MS.items():
        if left_ms and left_ms % unit_ms == 0:
            return f"{left_ms // unit_ms}{unit}"
    return "0s"


def _positive(value: object) -> timedelta:
    duration = _zero_or_longer(value)
    if duration == timedelta(0):
        raise ValueError(f"must be a positive duration like `30m`; got {write_duration(duration)!r}")
    return duration


def _zero_or_longer(value: object) -> timedelta:
    if isinstance(value, str):
        value = parse_duration(value)
    if not isinstance(value, timedelta) or value < timedelta(0):
        said = write_duration(value) if isinstance(value, timedelta) else value
        raise ValueError(f"must be a positive duration like `30m`; got {said!r}")
    return value


_Text = Annotated[str, Field(pattern=r"^\d{1,9}(ms|[smhd])$")]
_written = PlainSerializer(write_duration, return_type=str)

Duration = Annotated[timedelta, BeforeValidator(_positive, json_schema_input_type=_Text), _written]
"""A setting longer than zero, written like ``30m``."""

ZeroOrLonger = Annotated[timedelta, BeforeValidator(_zero_or_longer, json_schema_input_type=_Text), _written]
"""A setting that ``0s`` switches off."""
