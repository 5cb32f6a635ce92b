"""How many visits the visitors of a shard have made before."""

from typing import Final

from operators.streaming.ids import share_of

RETURNING: Final = 512
"""A shard remembers the visit counts of the visitors whose visits ended last, this many."""


class ReturningVisitors:
    """Visit counts by a hash of the visitor, the longest silent first. Bounded by ``RETURNING``."""

    __slots__ = ("counts",)

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts = {} if counts is None else counts

    def visits_before(self, market: str, visitor: str) -> int:
        """Return how many visits of a visitor have ended, as far as that is remembered."""
        return self.counts.get(_hash(market, visitor), 0)

    def add(self, market: str, visitor: str, visits: int) -> None:
        """Remember how many visits of a visitor have ended."""
        key = _hash(market, visitor)
        self.counts.pop(key, None)
        self.counts[key] = visits
        if len(self.counts) > RETURNING:
            del self.counts[next(iter(self.counts))]


def _hash(market: str, visitor: str) -> int:
    return int(share_of("visitor", market, visitor) * 2**56)
