"""Sums over time in a bounded number of steps, which grow with the time they cover."""

from collections.abc import Hashable, Iterator
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

STEP_S: Final = 60.0


class Timeline(Generic[K]):
    """Sums by step of time and by key. The step doubles whenever more than ``most`` would be needed.

    The step of a time depends on the times alone, not on their order. Bounded by ``most`` steps of as many
    keys as there are.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.step_s = STEP_S
        self._sums: dict[int, dict[K, float]] = {}
        self._first = self._last = 0

    def add(self, at_s: float, key: K, by: float = 1.0) -> None:
        """Add to one sum."""
        place = self._place(at_s)
        sums = self._sums.setdefault(place, {})
        sums[key] = sums.get(key, 0.0) + by

    def _place(self, at_s: float) -> int:
        place = int(at_s // self.step_s)
        if not self._sums:
            self._first = self._last = place
        self._first, self._last = min(self._first, place), max(self._last, place)
        while self._last - self._first >= self.most:
            self._double()
            place = int(at_s // self.step_s)
            self._first, self._last = min(self._first, place), max(self._last, place)
        return place

    def _double(self) -> None:
        self.step_s *= 2
        before, self._sums = self._sums, {}
        for place, sums in before.items():
            into = self._sums.setdefault(place // 2, {})
            for key, value in sums.items():
                into[key] = into.get(key, 0.0) + value
        self._first, self._last = self._first // 2, self._last // 2

    def steps(self) -> Iterator[tuple[datetime, dict[K, float]]]:
        """Return the middle of each step that has something in it, in UTC, and its sums."""
        for place in sorted(self._sums):
            yield datetime.fromtimestamp((place + 0.5) * self.step_s, UTC), self._sums[place]
