"""When a Segment or RudderStack call happened, even where the sender's clock is wrong."""

from datetime import datetime
from typing import Any

from schemas.rejected import InvalidEvent


def happened_at(call: dict[str, Any]) -> datetime:
    """When the call happened, by the receiver's clock where that is known; raises InvalidEvent.

    The rule is receivedAt - (sentAt - originalTimestamp): even a wrong clock measures right how long it took.
    """
    original, sent, received = (_time(call, name) for name in ("originalTimestamp", "sentAt", "receivedAt"))
    if original and sent and received:
        try:
            return received - (sent - original)
        except OverflowError:
            raise InvalidEvent("invalid", "originalTimestamp and sentAt lie too far apart") from None
    for at in (_time(call, "timestamp"), original, received):
        if at is not None:
            return at
    raise InvalidEvent("invalid", "timestamp is missing")


def _time(call: dict[str, Any], name: str) -> datetime | None:
    text = call.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise InvalidEvent("invalid", f"{name} should be a time like 2026-01-31T12:00:00.000Z") from None
    if at.tzinfo is None:
        raise InvalidEvent("invalid", f"{name} should have a time zone")
    return at
