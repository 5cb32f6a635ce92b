"""Calendar hours, days and weeks as the clock on a wall shows them."""

from datetime import datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final, Literal

from schemas.calendar import WEEKDAYS, Weekday

Window = Literal["hour", "day", "week"]
LONGEST_S: Final[dict[Window, float]] = {"hour": 3_600.0, "day": 90_000.0, "week": 608_400.0}
"""How long they are at most: an hour more where the clocks go back."""
MINUTE_S: Final = 60.0
"""Windows begin and end at full minutes, so what holds for one time holds for its minute."""


def window_start_s(by: Window, at_s: float, zone: tzinfo) -> float:
    """Return when the hour, day or week began that holds a time, in seconds since 1970.

    A week begins on Monday. Two times are in the same window if theirs began at the same time. The hour that
    comes twice when summer ends is two hours; days and weeks are longer or shorter when the clocks change.

    >>> from zoneinfo import ZoneInfo
    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> noon_s = datetime(2026, 10, 25, 12, tzinfo=berlin).timestamp()
    >>> (noon_s - window_start_s("day", noon_s, berlin)) / 3600
    13.0
    """
    return _start_s(by, at_s // MINUTE_S * MINUTE_S, zone)


def weekday_of(at_s: float, zone: tzinfo) -> Weekday:
    """Return the day of the week at a time."""
    return _weekday(at_s // MINUTE_S * MINUTE_S, zone)


@lru_cache(maxsize=1000)
def _weekday(at_s: float, zone: tzinfo) -> Weekday:
    return WEEKDAYS[datetime.fromtimestamp(at_s, zone).weekday()]


@lru_cache(maxsize=1000)
def _start_s(by: Window, at_s: float, zone: tzinfo) -> float:
    local = datetime.fromtimestamp(at_s, zone)
    if by == "hour":
        return local.replace(minute=0, second=0, microsecond=0).timestamp()
    day = local.date() if by == "day" else local.date() - timedelta(days=local.weekday())
    return datetime.combine(day, time(), zone).timestamp()
