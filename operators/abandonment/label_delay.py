"""Outcomes in the order of their carts' moments: a purchase is known in minutes, an abandonment later."""

from heapq import heappop, heappush
from typing import Final, NamedTuple


class OutcomeTimes(NamedTuple):
    """The moment at which a cart was scored, and when its outcome was known; event time in seconds."""

    moment_s: float
    known_s: float


IMMEDIATE: Final = OutcomeTimes(0.0, 0.0)
"""For outcomes whose order does not matter."""


class LabelDelay:
    """Holds each outcome until the outcomes of other carts of its time are known too.

    In the order in which they are known, a shop that opens seems to sell everything, and one that closes
    nothing: purchases run ahead. So each outcome is released ``delay_s`` after its cart's moment, whatever it
    was. Bounded by ``most``; beyond it the earliest are released sooner. River delays labels only where it
    evaluates a data set that is at hand (``stream.simulate_qa``).
    """

    __slots__ = ("_held", "_now_s", "delay_s", "most")

    def __init__(self, delay_s: float, most: int = 10_000) -> None:
        self.delay_s = delay_s
        self.most = most
        self._now_s = 0.0
        self._held: list[tuple[float, bool]] = []

    def observe(self, abandoned: bool, times: OutcomeTimes) -> list[bool]:
        """The outcomes released once this one is known, in the order of their moments."""
        heappush(self._held, (times.moment_s, abandoned))
        self._now_s = max(self._now_s, times.known_s)
        released = []
        while self._held and (self._held[0][0] + self.delay_s <= self._now_s or len(self._held) > self.most):
            released.append(heappop(self._held)[1])
        return released
