"""Timers in event time: one for each key, taken in order of time and then of key."""

import heapq
import math
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...  # noqa: ANN401  a key is compared with keys of its own kind
    def __hash__(self) -> int: ...


K = TypeVar("K", bound=_Ordered)


class Timers(Generic[K]):
    """The next due time of every key.

    Bounded by the number of keys, plus the entries that were set sooner and whose old time is still to come.
    """

    __slots__ = ("_due_s", "_heap")

    def __init__(self) -> None:
        self._due_s: dict[K, float] = {}
        self._heap: list[tuple[float, K]] = []

    def __len__(self) -> int:
        """Return how many keys have a timer."""
        return len(self._due_s)

    def set(self, key: K, due_s: float) -> None:
        """Set the timer of a key, unless it has an earlier one: firing it looks up when it is really due."""
        if due_s < self._due_s.get(key, math.inf):
            self._due_s[key] = due_s
            heapq.heappush(self._heap, (due_s, key))

    def drop(self, key: K) -> None:
        """Forget the timer of a key."""
        self._due_s.pop(key, None)

    def has_due(self, before_s: float) -> bool:
        """Return whether a timer may be due before a time; False: none is."""
        return bool(self._heap) and self._heap[0][0] < before_s

    def due(self, before_s: float) -> Iterator[tuple[float, K]]:
        """Yield the timers due before a time, first to last; each is gone once yielded.

        >>> timers = Timers()
        >>> timers.set("b", 5.0); timers.set("a", 1.0); timers.set("b", 2.0); timers.set("b", 9.0)
        >>> list(timers.due(3.0)), len(timers)
        ([(1.0, 'a'), (2.0, 'b')], 0)
        """
        heap = self._heap
        while heap and heap[0][0] < before_s:
            due_s, key = heapq.heappop(heap)
            if self._due_s.get(key) == due_s:
                del self._due_s[key]
                yield due_s, key
