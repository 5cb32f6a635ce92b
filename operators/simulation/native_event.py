"""Native events as dicts, ready for JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Event = dict[str, Any]


def native_event(
    event_id: str, kind: str, at_s: float, common: Mapping[str, object], fields: Mapping[str, object]
) -> Event:
    """Return an event of a kind with the fields that a visit's events have in common and its own."""
    return {"id": event_id, "type": kind, "time": rfc3339(at_s), **common, **fields}


def rfc3339(at_s: float) -> str:
    """Return the moment, seconds since 1970, in RFC 3339, UTC, to the millisecond.

    >>> rfc3339(1767225600.25)
    '2026-01-01T00:00:00.250Z'
    """
    minute, ms = divmod(round(at_s * 1000), 60_000)
    return f"{_minute(minute)}{ms // 1000:02d}.{ms % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:")
