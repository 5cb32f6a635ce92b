"""Outcomes in the order of their carts' moments: a purchase is known in minutes, a cart left behind later."""

from heapq import heappop, heappush
from typing import Final, NamedTuple

MOST: Final = 10_000


class When(NamedTuple):
    """The moment of a cart that is learned from, and when its outcome was known."""

    moment_s: float
    known_s: float


AT_ONCE: Final = When(0.0, 0.0)


class Settling:
    """Outcomes whose moment is so recent that other carts of that time may still be bought or left.

    In the order in which they are known, a shop that opens seems to sell everything, and one that closes
    nothing: purchases run ahead. ``wait_s`` after its moment an outcome is let go, whatever it was. Bounded
    by ``MOST``; then the earliest are let go sooner.
    """

    __slots__ = ("_held", "_now_s", "wait_s")

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self._now_s = 0.0
        self._held: list[tuple[float, bool]] = []

    def take(self, abandoned: bool, when: When) -> list[bool]:
        """Hold an outcome; return those that are settled by now, in the order of their moments."""
        heappush(self._held, (when.moment_s, abandoned))
        self._now_s = max(self._now_s, when.known_s)
        settled = []
        while self._held and (self._held[0][0] + self.wait_s <= self._now_s or len(self._held) > MOST):
            settled.append(heappop(self._held)[1])
        return settled
