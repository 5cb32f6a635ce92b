"""The time for which a visitor who had an offer gets no further decision."""

import math

from operators.decisions.expiring import drop_from_front


class Cooldowns:
    """When the cooldown of each visitor ends, the oldest first. Bounded by the offers of one cooldown.

    Unlike a ``Rule`` it keeps a moment from leading to a decision at all.
    """

    __slots__ = ("ends_s",)

    def __init__(self, ends_s: dict[str, float] | None = None) -> None:
        self.ends_s = {} if ends_s is None else ends_s

    def __len__(self) -> int:
        """Return how many visitors are cooling down."""
        return len(self.ends_s)

    def holds(self, visitor: str, at_s: float) -> bool:
        """Return whether a visitor had an offer so lately that no other follows."""
        return self.ends_s.get(visitor, -math.inf) > at_s

    def start(self, visitor: str, ends_s: float) -> None:
        """Note that a visitor had an offer."""
        self.ends_s.pop(visitor, None)
        self.ends_s[visitor] = ends_s

    def forget(self, time_s: float) -> None:
        """Drop the cooldowns that are over."""
        drop_from_front(self.ends_s, lambda ends_s: ends_s < time_s)
