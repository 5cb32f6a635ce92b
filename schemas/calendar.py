"""Dates and times as marketers write them: in the time zone of the market, where they name none."""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal

from pydantic import BeforeValidator


def _date_of(given: object) -> object:
    """Return the date that a text without a time names: JSON has no dates, and midnight is another thing."""
    try:
        return date.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        return given


LocalMoment = Annotated[datetime | date, BeforeValidator(_date_of)]
"""A date, or a date and a time, with or without its offset from UTC."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def start_s(at: LocalMoment, zone: tzinfo) -> float:
    """Return when something starts, in seconds since 1970; a date starts at its midnight."""
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()


def end_s(at: LocalMoment, zone: tzinfo) -> float:
    """Return when something ends, in seconds since 1970; a date is included, it ends with its last second.

    >>> from zoneinfo import ZoneInfo
    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> end_s(date(2026, 12, 24), berlin) - start_s(date(2026, 12, 24), berlin)
    86400.0
    """
    if isinstance(at, datetime):
        return start_s(at, zone)
    return start_s(at + timedelta(days=1), zone)
