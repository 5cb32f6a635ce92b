"""Hours of the day in which a channel is quiet where the person lives."""

from collections.abc import Hashable, Mapping
from datetime import datetime, timedelta
from typing import Final

from operators.decisions.rules.rule import Rule, Situation
from schemas.rules import Channel, QuietHours
from schemas.shop import Market, Offer, Shop

REASON: Final = "quiet_hours"


class QuietHoursRule(Rule):
    """Removes an offer on a channel that is quiet now, or holds it until the channel no longer is.

    Several rules ask until when it is held; that is found out once a moment for each channel.
    """

    name = "quiet_hours"

    def __init__(self) -> None:
        self._hours: Mapping[Channel, QuietHours] = {}
        self._now: Situation | None = None
        self._until_s: dict[Channel, float | None] = {}

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the hours by channel."""
        self._hours = market.rules.quiet_hours
        self._now = None

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

    def holds_until_s(self, offer: Offer, now: Situation) -> float | None:
        """Return when the quiet hours of the offer's channel are over, None where it is not quiet now."""
        hours = self._hours.get(offer.channel)
        if hours is None or hours.then == "drop":
            return None
        if self._now is not now:
            self._now, self._until_s = now, {}
        if offer.channel not in self._until_s:
            self._until_s[offer.channel] = quiet_until_s(hours, now)
        return self._until_s[offer.channel]


def quiet_until_s(hours: QuietHours, now: Situation) -> float | None:
    """Return when quiet hours are over that last now, None where none do.

    They begin and end by the clock on the person's wall, on days of 23 and 25 hours too.
    """
    local = now.local
    clock = local.time()
    if hours.start < hours.end:
        is_quiet = hours.start <= clock < hours.end
    else:
        is_quiet = clock >= hours.start or clock < hours.end
    if not is_quiet:
        return None
    day = local.date() if clock < hours.end else local.date() + timedelta(days=1)
    ends_s = datetime.combine(day, hours.end, now.zone).timestamp()
    if ends_s <= now.at_s:  # the hour of the end comes twice, and this is the second time
        ends_s = datetime.combine(day, hours.end, now.zone).replace(fold=1).timestamp()
    return max(ends_s, now.at_s)
