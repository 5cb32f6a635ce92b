"""What makes a well-formed event unacceptable: its market, its clock, an order without a margin."""

from typing import Final

from operators.ingest.settings import IngestSettings
from schemas.events import Event, OrderCompleted
from schemas.rejected import InvalidEvent

LATEST_S: Final = 4_102_444_800.0
"""The year 2100: no clock that shows more is right, and what follows stays within the calendar."""


def check_market(market: str, settings: IngestSettings) -> None:
    """Raise InvalidEvent for a market that is not configured."""
    if market not in settings.markets:
        known = ", ".join(sorted(settings.markets))
        raise InvalidEvent("unknown_market", f"market {market!r} is not among {known}")


def check_clock(event: Event, at_s: float, latest_s: float, settings: IngestSettings) -> None:
    """Raise InvalidEvent for an event that claims to be later than ``latest_s`` and the allowed skew."""
    if at_s > latest_s + settings.clock_skew_s:
        raise InvalidEvent("clock", f"{at_s - latest_s:.0f} s later than its record or than now")
    if at_s > LATEST_S:
        raise InvalidEvent("clock", f"the event is of {event.time:%Y-%m-%d}")


def check_margin(event: Event, market: str, settings: IngestSettings) -> None:
    """Raise InvalidEvent for an order whose margin cannot be computed."""
    if (
        isinstance(event, OrderCompleted)
        and market not in settings.with_margin_rate
        and any(item.unit_cost is None for item in event.items)
    ):
        raise InvalidEvent("invalid", f"items: unit_cost is required, market {market!r} has no margin_rate")
