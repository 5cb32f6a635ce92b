"""The periods of a budget: calendar hours or days in the market's time zone, or one campaign."""

import math
from datetime import datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple

from schemas.calendar import end_s, start_s
from schemas.limits import Budget

HOUR_S: Final = 3600.0
CAMPAIGN: Final = 0.0


class Period(NamedTuple):
    """From when until before when, in seconds since 1970; ``key`` stays when a campaign is moved."""

    start_s: float
    end_s: float
    key: float


class Periods:
    """Says in which period a time lies; the latest one is remembered, since most times lie in it."""

    def __init__(self, budget: Budget, zone: tzinfo) -> None:
        self._budget = budget
        self._zone = zone
        self._latest: Period | None = None

    def at(self, at_s: float) -> Period | None:
        """Return the period in which a time lies, None before and after a campaign.

        >>> from zoneinfo import ZoneInfo
        >>> daily = Periods(Budget(amount=100.0, by="day"), ZoneInfo("Europe/Berlin"))
        >>> (daily.at(1774738800.0).end_s - daily.at(1774738800.0).start_s) / 3600  # the clocks go forward
        23.0
        """
        latest = self._latest
        if latest is not None and latest.start_s <= at_s < latest.end_s:
            return latest
        latest = self._latest = self._find(at_s)
        return latest if latest.start_s <= at_s < latest.end_s else None

    def campaign(self) -> tuple[float, float]:
        """Return when a campaign begins and ends."""
        budget, zone = self._budget, self._zone
        return (
            -math.inf if budget.starts is None else start_s(budget.starts, zone),
            math.inf if budget.ends is None else end_s(budget.ends, zone),
        )

    def _find(self, at_s: float) -> Period:
        budget, zone = self._budget, self._zone
        if budget.by == "campaign":
            return Period(*self.campaign(), CAMPAIGN)
        local = datetime.fromtimestamp(at_s, zone)
        if budget.by == "hour":
            start = local.replace(minute=0, second=0, microsecond=0).timestamp()
            return Period(start, start + HOUR_S, start)
        midnight = datetime.combine(local.date(), time(), zone)
        start = midnight.timestamp()
        return Period(start, (midnight + timedelta(days=1)).timestamp(), start)
