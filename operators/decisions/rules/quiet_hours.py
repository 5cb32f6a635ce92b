"""Hours of the day in which a channel is quiet where the person lives."""

from collections.abc import Hashable, Mapping
from datetime import datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from operators.decisions.calendar_windows import MINUTE_S
from operators.decisions.rules.rule import Rule, Situation
from schemas.rules import Channel, QuietHours
from schemas.shop import Market, Offer, Shop

REASON: Final = "quiet_hours"


class QuietHoursRule(Rule):
    """Removes an offer on a channel that is quiet now, or holds it until the channel no longer is.

    Several rules ask until when offers are held; that is found out once a moment.
    """

    name = "quiet_hours"

    def __init__(self) -> None:
        self._hours: Mapping[Channel, QuietHours] = {}
        self._holding: tuple[tuple[Channel, QuietHours], ...] = ()
        self._now: Situation | None = None
        self._until_s: dict[Channel, float] = {}
        self._loud: tuple[float, tzinfo] | None = None

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the hours by channel."""
        self._hours = market.rules.quiet_hours
        self._holding = tuple(each for each in self._hours.items() if each[1].then == "hold")
        self._now = self._loud = None

    def concerns(self, offer: Offer) -> bool:
        """Return whether offers on the channel are dropped in its quiet hours."""
        hours = self._hours.get(offer.channel)
        return hours is not None and hours.then == "drop"

    def alike(self, offer: Offer) -> Hashable:
        """Return its channel."""
        return offer.channel

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``quiet_hours`` for a channel whose offers are dropped now."""
        hours = self._hours.get(offer.channel)
        if hours is None or hours.then == "hold" or quiet_until_s(hours, now) is None:
            return None
        return REASON

    def holds(self, now: Situation) -> bool:
        """Return whether any channel is quiet now."""
        return bool(self._holding) and bool(self._quiet(now))

    def holds_until_s(self, offer: Offer, now: Situation) -> float | None:
        """Return when the quiet hours of the offer's channel are over, None where it is not quiet now."""
        return self._quiet(now).get(offer.channel)

    def _quiet(self, now: Situation) -> dict[Channel, float]:
        """Return the channels that are quiet now, and until when; none in a minute in which none was."""
        if self._now is not now:
            self._now, self._until_s = now, {}
            minute = now.at_s // MINUTE_S, now.zone
            if minute != self._loud:
                for channel, hours in self._holding:
                    until_s = quiet_until_s(hours, now)
                    if until_s is not None:
                        self._until_s[channel] = until_s
                is_loud = not self._until_s and all(_is_by_minute(each) for _, each in self._holding)
                self._loud = minute if is_loud else None
        return self._until_s


def quiet_until_s(hours: QuietHours, now: Situation) -> float | None:
    """Return when quiet hours are over that last now, None where none do.

    They begin and end by the clock on the person's wall, on days of 23 and 25 hours too.
    """
    start, end, at_s = hours.start, hours.end, now.at_s
    if _is_by_minute(hours):
        until_s = _quiet_in_minute(start, end, at_s // MINUTE_S * MINUTE_S, now.zone)
    else:
        until_s = _until_s(start, end, at_s, now.zone)
    return until_s if until_s is None or until_s > at_s else at_s


def _is_by_minute(hours: QuietHours) -> bool:
    """Return whether what holds for a time holds for its minute."""
    start, end = hours.start, hours.end
    return not (start.second or start.microsecond or end.second or end.microsecond)


def _until_s(start: time, end: time, at_s: float, zone: tzinfo) -> float | None:
    local = datetime.fromtimestamp(at_s, zone)
    clock = local.time()
    if not (start <= clock < end if start < end else clock >= start or clock < end):
        return None
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    ends_s = datetime.combine(day, end, zone).timestamp()
    if ends_s <= at_s:  # the hour of the end comes twice, and this is the second time
        ends_s = datetime.combine(day, end, zone).replace(fold=1).timestamp()
    return ends_s


_quiet_in_minute: Final = lru_cache(maxsize=1000)(_until_s)
