"""Watermarks as data: the time of a station is the least watermark of its inputs."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

NEVER = float("-inf")
"""The watermark of an input from which nothing has come yet."""

K = TypeVar("K", bound=Hashable)


class Watermark(Generic[K]):
    """The least watermark over a fixed set of inputs; it never goes back.

    Bounded by the number of inputs, which is fixed when the dataflow is built.

    >>> w = Watermark(["a", "b"])
    >>> w.advance("a", 5.0), w.time_s
    (False, -inf)
    >>> w.advance("b", 3.0), w.time_s
    (True, 3.0)
    """

    __slots__ = ("_holding", "_inputs", "time_s")

    def __init__(self, inputs: Iterable[K]) -> None:
        self._inputs: dict[K, float] = dict.fromkeys(inputs, NEVER)
        self.time_s = NEVER
        self._holding = len(self._inputs)  # how many inputs are no further than the station's time

    def advance(self, source: K, watermark_s: float) -> bool:
        """Take one input's watermark; return whether the station's time moved. Unknown inputs are ignored."""
        return self.advance_all(((source, watermark_s),))

    def advance_all(self, watermarks: Iterable[tuple[K, float]]) -> bool:
        """Take the watermarks of several inputs; return whether the station's time moved."""
        inputs, time_s = self._inputs, self.time_s
        for source, watermark_s in watermarks:
            before_s = inputs.get(source)
            if before_s is not None and watermark_s > before_s:
                inputs[source] = watermark_s
                self._holding -= before_s <= time_s < watermark_s
        if self._holding or not inputs:
            return False
        self._move_to(min(inputs.values()))
        return self.time_s > time_s

    def _move_to(self, time_s: float) -> None:
        self.time_s = time_s
        self._holding = sum(watermark_s <= time_s for watermark_s in self._inputs.values())

    def inputs(self) -> dict[K, float]:
        """Return the latest watermark of every input."""
        return dict(self._inputs)

    def restore(self, inputs: dict[K, float], time_s: float) -> None:
        """Take up the watermarks of an earlier run; inputs that no longer exist are left out."""
        for source, watermark_s in inputs.items():
            if source in self._inputs:
                self._inputs[source] = watermark_s
        # The input that held the time back may be gone.
        self._move_to(max(time_s, min(self._inputs.values(), default=NEVER)))
