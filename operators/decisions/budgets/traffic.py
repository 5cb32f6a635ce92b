"""How many choices are still to come: by what the same hours of the day showed before."""

import math
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

import msgspec

HOUR_S: Final = 3600.0
HOURS: Final = 24
DAY_DECAY: Final = 0.8
"""What an hour of the day showed counts a fifth less a day later."""
LEVEL_DECAY: Final = 0.85
"""What the latest hours had more or less than expected counts so much less each hour."""
LEVEL_S: Final = 12 * HOUR_S
"""For so long the level of the latest hours is expected to last."""
PRIOR_HOURS: Final = 0.5
PRIOR_CHOICES: Final = 30.0
MOST_HOURS: Final = 24 * 15
"""A longer silence is as long as this; forecasts go by whole days beyond it."""


class TrafficState(msgspec.Struct, array_like=True):
    """Choices and hours observed by hour of the day, the hour that goes on, actual and expected choices."""

    choices: list[float] = msgspec.field(default_factory=lambda: [0.0] * HOURS)
    hours: list[float] = msgspec.field(default_factory=lambda: [0.0] * HOURS)
    hour: int | None = None
    began_s: float = 0.0
    latest_s: float = 0.0
    count: float = 0.0
    actual: float = 0.0
    expected: float = 0.0


class Traffic:
    """A forecast of choices: a profile of 24 hours times the level of the latest ones.

    Before an hour of the day was seen, the mean of those that were stands for it: uniform in time at first.
    """

    def __init__(self, zone: tzinfo, state: TrafficState | None = None) -> None:
        self.was = TrafficState() if state is None else state
        self._zone = zone

    def observe(self, at_s: float) -> None:
        """Count a choice."""
        self.advance(at_s)
        self.was.count += 1.0

    def advance(self, at_s: float) -> None:
        """Note that time has come so far; hours that are over are learned from."""
        was, hour = self.was, math.floor(at_s / HOUR_S)
        if hour == was.hour:
            was.latest_s = max(was.latest_s, at_s)
            return
        if was.hour is None:
            was.hour, was.began_s = hour, at_s
        was.latest_s = max(was.latest_s, at_s)
        if hour - was.hour > MOST_HOURS:
            was.hour, was.count, was.began_s = hour - MOST_HOURS, 0.0, (hour - MOST_HOURS) * HOUR_S
        while was.hour < hour:
            seen = ((was.hour + 1) * HOUR_S - was.began_s) / HOUR_S
            of_day = self._of_day(was.hour)
            expected = self._rate(of_day) * seen
            was.actual = was.actual * LEVEL_DECAY + was.count
            was.expected = was.expected * LEVEL_DECAY + expected
            was.choices[of_day] = was.choices[of_day] * DAY_DECAY + was.count
            was.hours[of_day] = was.hours[of_day] * DAY_DECAY + seen
            was.hour, was.count = was.hour + 1, 0.0
            was.began_s = was.hour * HOUR_S

    def expected(self, until_s: float) -> float:
        """Return how many choices are expected from the latest one until a time."""
        was = self.was
        if was.hour is None or until_s <= was.latest_s:
            return 0.0
        level = (was.actual + PRIOR_CHOICES) / (was.expected + PRIOR_CHOICES)
        mean = self._mean()
        rates = [self._rate(of_day, mean) for of_day in range(HOURS)]
        days, rest_s = divmod(until_s - was.latest_s, HOURS * HOUR_S)
        near_s = min(until_s, was.latest_s + LEVEL_S)
        found = self._between(was.latest_s, was.latest_s + rest_s, rates) + days * sum(rates)
        return found + (level - 1.0) * self._between(was.latest_s, near_s, rates)

    def _between(self, at_s: float, until_s: float, rates: Sequence[float]) -> float:
        found, hour = 0.0, math.floor(at_s / HOUR_S)
        of_day = self._of_day(hour)
        while at_s < until_s:
            hour += 1
            next_s = min(hour * HOUR_S, until_s)
            found += rates[of_day] * (next_s - at_s) / HOUR_S
            at_s, of_day = next_s, (of_day + 1) % HOURS
        return found

    def _mean(self) -> float:
        """Return the choices of an hour, over all that was seen."""
        was = self.was
        seen = sum(was.hours) + max(was.latest_s - was.began_s, 0.0) / HOUR_S
        return (sum(was.choices) + was.count) / max(seen, 1.0 / 60.0)

    def _rate(self, of_day: int, mean: float | None = None) -> float:
        was = self.was
        mean = self._mean() if mean is None else mean
        return (was.choices[of_day] + PRIOR_HOURS * mean) / (was.hours[of_day] + PRIOR_HOURS)

    def _of_day(self, hour: int) -> int:
        return datetime.fromtimestamp(hour * HOUR_S, self._zone).hour
