"""When a Segment or RudderStack call happened, even where the sender's clock is wrong."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.events import EARLIEST
from schemas.rejected import InvalidEvent

NAMES: Final = ("originalTimestamp", "sentAt", "receivedAt", "timestamp")


class Clocks(NamedTuple):
    """When a call happened, and the names of its times that could not be read."""

    at: datetime
    dropped: tuple[str, ...] = ()


def happened_at(call: dict[str, Any]) -> datetime:
    """When the call happened, by the receiver's clock where that is known; raises InvalidEvent."""
    return read_clocks(call).at


def read_clocks(call: dict[str, Any]) -> Clocks:
    """The time of a call; raises InvalidEvent where it has none that can be read.

    The rule is receivedAt - (sentAt - originalTimestamp): even a wrong clock measures right how long it took.
    Without all three it is timestamp, originalTimestamp or receivedAt, the first that is there. What lies
    before all shops is no time, unless there is no other.
    """
    problems: dict[str, str] = {}
    original, sent, received, timestamp = (_time(call, name, problems) for name in NAMES)
    corrected = None
    if original and sent and received:
        try:
            corrected = received - (sent - original)
        except OverflowError:
            problems["sentAt"] = "originalTimestamp and sentAt lie too far apart"
    found = [at for at in (corrected, timestamp, original, received) if at is not None]
    if not found:
        raise InvalidEvent("invalid", next(iter(problems.values()), "timestamp is missing"))
    plausible = next((at for at in found if at >= EARLIEST), found[0])
    return Clocks(plausible, tuple(problems))


def _time(call: dict[str, Any], name: str, problems: dict[str, str]) -> datetime | None:
    text = call.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        problems[name] = f"{name} should be a time like 2026-01-31T12:00:00.000Z"
        return None
    if at.tzinfo is None:
        problems[name] = f"{name} should have a time zone"
        return None
    return at
