"""What makes a well-formed event unacceptable: its market, its clock."""

from datetime import UTC, datetime
from typing import Final

from operators.ingest.settings import IngestSettings
from schemas.rejected import InvalidEvent

LATEST_S: Final = 4_102_444_800.0
"""The year 2100: no clock that shows more is right, and what follows stays within the calendar."""
EARLIEST_S: Final = 946_684_800.0
"""The year 2000: a record's timestamp before it is none, but a number that somebody put there."""


def check_market(market: str, settings: IngestSettings) -> None:
    """Raise InvalidEvent for a market that is not configured."""
    if market not in settings.markets:
        raise unknown_market(market, settings)


def unknown_market(market: str, settings: IngestSettings) -> InvalidEvent:
    """Return why an event of a market that is not configured is refused."""
    known = ", ".join(sorted(settings.markets))
    return InvalidEvent("unknown_market", f"market {market!r} is not among {known}")


def received_at(sent_s: float | None, now_s: float | None) -> float | None:
    """Return when a message was received at the latest, None where nobody knows.

    ``sent_s`` is its broker's timestamp, ``now_s`` the wall clock where it may not be later than that.
    """
    if sent_s is None or sent_s < EARLIEST_S or (now_s is not None and now_s < sent_s):
        return now_s
    return sent_s


def known_time(at_s: float | None) -> float | None:
    """Return a time of receipt, None for one before any: it was never set."""
    return at_s if at_s is not None and at_s >= EARLIEST_S else None


def clamped(at_s: float, received_s: float | None, settings: IngestSettings) -> float:
    """Return when an event happened that claims ``at_s``: what claims to be later than it was received, then.

    Nobody knows when the line of a file was received (None): one that is later than now is refused with
    InvalidEvent.
    """
    if received_s is not None:
        at_s = min(at_s, received_s)
    elif at_s > settings.latest_s + settings.clock_skew_s:
        raise InvalidEvent("clock", f"{at_s - settings.latest_s:.0f} s later than now")
    if at_s > LATEST_S:
        raise InvalidEvent("clock", f"the event is of {datetime.fromtimestamp(LATEST_S, UTC):%Y} or later")
    return at_s


def happened_at(
    claimed_s: float, sent_s: float | None, now_s: float | None, settings: IngestSettings
) -> float:
    """Return when an event happened that claims a time: ``clamped`` to when it was ``received_at``."""
    if sent_s is not None and sent_s >= EARLIEST_S and claimed_s <= sent_s and claimed_s <= LATEST_S:
        received_s = sent_s if now_s is None else now_s
        if claimed_s <= received_s:
            return claimed_s
    return clamped(claimed_s, received_at(sent_s, now_s), settings)
