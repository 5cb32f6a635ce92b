"""Watermarks as data: the time of a station is the least of what its inputs have promised."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

NEVER = float("-inf")
"""The promise of an input that has not spoken yet."""

K = TypeVar("K", bound=Hashable)


class Watermark(Generic[K]):
    """The least promise over a fixed set of inputs; it never goes back.

    Bounded by the number of inputs, which is fixed when the page is drawn.

    >>> w = Watermark(["a", "b"])
    >>> w.advance("a", 5.0), w.time_s
    (False, -inf)
    >>> w.advance("b", 3.0), w.time_s
    (True, 3.0)
    """

    __slots__ = ("_holding", "_promised", "time_s")

    def __init__(self, inputs: Iterable[K]) -> None:
        self._promised: dict[K, float] = dict.fromkeys(inputs, NEVER)
        self.time_s = NEVER
        self._holding = len(self._promised)  # how many inputs have promised no more than the station's time

    def advance(self, source: K, tick_s: float) -> bool:
        """Take one input's promise and say whether the station's time moved. An unknown input is ignored."""
        before = self._promised.get(source)
        if before is None or tick_s <= before:
            return False
        self._promised[source] = tick_s
        if before > self.time_s or tick_s <= self.time_s:
            return False
        self._holding -= 1
        if self._holding:
            return False
        self._be_at(min(self._promised.values()))
        return True

    def _be_at(self, time_s: float) -> None:
        self.time_s = time_s
        self._holding = sum(promise_s <= time_s for promise_s in self._promised.values())

    def promises(self) -> dict[K, float]:
        """Return the latest promise of every input."""
        return dict(self._promised)

    def restore(self, promises: dict[K, float], time_s: float) -> None:
        """Take up promises of an earlier run; inputs that are no longer there are left out."""
        for source, tick_s in promises.items():
            if source in self._promised:
                self._promised[source] = tick_s
        # What held the time back may be gone.
        self._be_at(max(time_s, min(self._promised.values(), default=NEVER)))
