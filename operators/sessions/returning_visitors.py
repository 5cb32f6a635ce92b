"""What is known of the visitors of a shard from before: how many visits they made, which user they are."""

from typing import Final, TypeVar

from operators.state.map_table import MapTable
from operators.state.rows import StateRows
from operators.streaming.ids import name_of

V = TypeVar("V", int, str)

RETURNING: Final = 2048
"""A shard remembers this many of the visitors whose visits ended last, and of those seen with a user last."""


class ReturningVisitors:
    """Visit counts and users by a hash of the visitor, the longest silent first. Bounded by ``RETURNING``."""

    __slots__ = ("counts", "users")

    def __init__(self, rows: StateRows) -> None:
        self.counts = MapTable(rows, b"c", int)
        self.users = MapTable(rows, b"u", str)

    def visits_before(self, market: str, visitor: str) -> int:
        """Return how many visits of a visitor have ended, as far as that is remembered."""
        return self.counts.get(_hash(market, visitor)) or 0

    def add(self, market: str, visitor: str, visits: int) -> None:
        """Remember how many visits of a visitor have ended."""
        _put(self.counts, _hash(market, visitor), visits)

    def user_of(self, market: str, visitor: str) -> str | None:
        """Return the user that a visitor was seen with last, as far as that is remembered."""
        return self.users.get(_hash(market, visitor)) if len(self.users) else None

    def know(self, market: str, visitor: str, user: str) -> None:
        """Remember which user a visitor is."""
        _put(self.users, _hash(market, visitor), user)


def _put(known: MapTable[V], key: str, value: V) -> None:
    known.put(key, value)
    if len(known) > RETURNING:
        known.drop_first()


def _hash(market: str, visitor: str) -> str:
    return name_of("visitor", market, visitor)[:14]
