"""Rows that are timers in event time: those that are due next in memory, the others on disk."""

import heapq
import math
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from operators.state.rows import StateRows

PAGE_S: Final = 10.0
"""So much further than is asked for timers are read from the store."""

_TIME: Final = struct.Struct(">d")

_Timer = tuple[float, str]


class TimerTable:
    """Timers of names, due at times from 0 on, taken in order of time and then of name; a name may have more.

    In memory are those due before the time that was last asked for, and ``PAGE_S`` after it, and what changed
    since the last snapshot but one; without a store, all.
    """

    resident = False

    def __init__(self, rows: StateRows, prefix: bytes) -> None:
        self.prefix = prefix
        self._rows = rows
        self._heap: list[_Timer] = []
        self._changed: dict[_Timer, bool] = {}
        self._sealing: dict[_Timer, bool] = {}
        self._later: list[_Timer] = []
        self._sealing_later: list[_Timer] = []
        self._read_s = math.inf if rows.store is None else -math.inf
        rows.add(self)

    def set(self, name: str, due_s: float) -> None:
        """Set a timer."""
        timer = (due_s, name)
        self._changed[timer] = True
        heapq.heappush(self._heap if due_s < self._read_s else self._later, timer)

    def drop(self, name: str, due_s: float) -> None:
        """Drop a timer that was set for a time."""
        if self._rows.store is None:
            self._changed.pop((due_s, name), None)
        else:
            self._changed[due_s, name] = False

    def has_due(self, before_s: float) -> bool:
        """Return whether a timer may be due before a time; False: none is."""
        return before_s > self._read_s or (bool(self._heap) and self._heap[0][0] < before_s)

    def due(self, before_s: float) -> Iterator[_Timer]:
        """Yield the timers due before a time, with their names, first to last; each is gone once yielded.

        >>> timers = TimerTable(StateRows(), b"t")
        >>> timers.set("b", 2.0); timers.set("a", 1.0); timers.set("c", 9.0); timers.drop("b", 2.0)
        >>> list(timers.due(5.0))
        [(1.0, 'a')]
        """
        if before_s > self._read_s:
            self._read(before_s + PAGE_S)
        heap = self._heap
        while heap and heap[0][0] < before_s:
            timer = heapq.heappop(heap)
            if self._is_set(timer):
                due_s, name = timer
                self.drop(name, due_s)
                yield timer

    def _is_set(self, timer: _Timer) -> bool:
        store = self._rows.store
        known = self._changed.get(timer)
        if known is None:
            known = self._sealing.get(timer)
        if known is None and store is not None:
            due_s, name = timer
            known = store.get(self._key(due_s) + name.encode()) is not None
        return bool(known)

    def _read(self, until_s: float) -> None:
        """Put the timers on the heap that are due from where reading ended to a time."""
        from_s, self._read_s = self._read_s, until_s
        store = self._rows.store
        if store is not None:
            for key, _ in store.scan(self._key(from_s), self._key(until_s)):
                heapq.heappush(self._heap, self._timer(key))
        for later in (self._sealing_later, self._later):
            while later and later[0][0] < until_s:
                heapq.heappush(self._heap, heapq.heappop(later))

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the rows that changed; without a store, all."""
        for (due_s, name), is_set in self._changed.items():
            yield self._key(due_s) + name.encode(), b"" if is_set else None
        if self._rows.store is not None:
            self._sealing, self._changed = self._changed, {}
            self._sealing_later, self._later = self._later, []

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the rows of a snapshot."""
        for key, _ in rows:
            due_s, name = self._timer(key)
            self.set(name, due_s)

    def _timer(self, key: bytes) -> _Timer:
        first = len(self.prefix) + _TIME.size
        [due_s] = _TIME.unpack(key[len(self.prefix) : first])
        return due_s, key[first:].decode()

    def _key(self, due_s: float) -> bytes:
        # Big-endian floats sort as their bytes do from zero on, and nothing is due before 1970.
        return self.prefix + _TIME.pack(max(due_s, 0.0))
