"""The dates and the days of the week on which an offer is made."""

import math
from collections.abc import Hashable
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from operators.decisions.calendar_windows import weekday_of
from operators.decisions.rules.holding import Publication
from operators.decisions.rules.rule import Rule, Situation
from schemas.calendar import Weekday, end_s, start_s
from schemas.shop import Market, Offer, Shop

NOT_STARTED: Final = "not_started"
ENDED: Final = "campaign_ended"
WEEKDAY: Final = "weekday"


class Dates(NamedTuple):
    """When the campaign of an offer starts and ends, in seconds since 1970."""

    start_s: float
    end_s: float


class Campaign(Rule):
    """Removes an offer before ``starts``, from the end of ``ends`` on, and on other than its ``weekdays``.

    All are in the market's time zone, and what counts is when the offer would be published.
    """

    name = "campaign"

    def __init__(self, published: Publication) -> None:
        self._published = published
        self._zone = ZoneInfo("UTC")
        self._dates: dict[str, Dates] = {}
        self._common = Dates(-math.inf, math.inf)
        self._weekdays: frozenset[Weekday] | None = None

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the dates of the offers that have any."""
        zone = self._zone = ZoneInfo(market.timezone)
        self._dates = {
            offer.name: Dates(
                -math.inf if offer.starts is None else start_s(offer.starts, zone),
                math.inf if offer.ends is None else end_s(offer.ends, zone),
            )
            for offer in shop.arms(market.name)
            if offer.starts is not None or offer.ends is not None
        }
        self._common = Dates(
            max((each.start_s for each in self._dates.values()), default=-math.inf),
            min((each.end_s for each in self._dates.values()), default=math.inf),
        )
        days = [frozenset(offer.weekdays) for offer in shop.arms(market.name) if offer.weekdays is not None]
        self._weekdays = frozenset.intersection(*days) if days else None

    def concerns(self, offer: Offer) -> bool:
        """Return whether the offer has dates or weekdays."""
        return offer.name in self._dates or offer.weekdays is not None

    def alike(self, offer: Offer) -> Hashable:
        """Return its dates and weekdays, and its channel, by which it is held."""
        return self._dates.get(offer.name), offer.weekdays, offer.channel

    def spares(self, now: Situation) -> bool:
        """Return whether all offers would be published at once, within the dates and on the days of each."""
        if self._published.holds(now):
            return False
        at_s, common, weekdays = now.at_s, self._common, self._weekdays
        if not common.start_s <= at_s < common.end_s:
            return False
        return weekdays is None or weekday_of(at_s, self._zone) in weekdays

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return ``not_started``, ``campaign_ended`` or ``weekday``."""
        dates = self._dates.get(offer.name)
        if dates is None and offer.weekdays is None:
            return None
        at_s = self._published.at_s(offer, now)
        if dates is not None and at_s < dates.start_s:
            return NOT_STARTED
        if dates is not None and at_s >= dates.end_s:
            return ENDED
        if offer.weekdays is None:
            return None
        return None if weekday_of(at_s, self._zone) in offer.weekdays else WEEKDAY
