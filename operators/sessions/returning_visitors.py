"""What is known of the visitors of a shard from before: how many visits they made, which user they are."""

from typing import Final

from operators.streaming.ids import share_of

RETURNING: Final = 512
"""A shard remembers this many of the visitors whose visits ended last, and of those seen with a user last."""


class ReturningVisitors:
    """Visit counts and users by a hash of the visitor, the longest silent first. Bounded by ``RETURNING``."""

    __slots__ = ("counts", "users")

    def __init__(self, counts: dict[int, int] | None = None, users: dict[int, str] | None = None) -> None:
        self.counts = {} if counts is None else counts
        self.users = {} if users is None else users

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

    def user_of(self, market: str, visitor: str) -> str | None:
        """Return the user that a visitor was seen with last, as far as that is remembered."""
        return self.users.get(_hash(market, visitor)) if self.users else None

    def know(self, market: str, visitor: str, user: str) -> None:
        """Remember which user a visitor is."""
        key = _hash(market, visitor)
        self.users.pop(key, None)
        self.users[key] = user
        if len(self.users) > RETURNING:
            del self.users[next(iter(self.users))]


def _hash(market: str, visitor: str) -> int:
    return int(share_of("visitor", market, visitor) * 2**56)
