"""Who was erased and is still to be removed from what is kept."""

import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

NEVER_MATCHES: Final = re.compile(rb"(?!)")


class Erased(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A visitor or a user of whom nothing is to be known that was known at a time."""

    kind: Literal["visitor", "user"]
    who: str
    at_s: float


class ErasedPeople:
    """Some erasures, asked whether something is of the time before one. Bounded by whoever makes it."""

    __slots__ = ("_mentioned", "_users", "_visitors", "everyone")

    def __init__(self, everyone: Iterable[Erased]) -> None:
        self.everyone = tuple(everyone)
        self._visitors = _latest(each for each in self.everyone if each.kind == "visitor")
        self._users = _latest(each for each in self.everyone if each.kind == "user")
        ids = sorted({*self._visitors, *self._users}, key=len, reverse=True)
        self._mentioned = (
            re.compile(b"|".join(re.escape(who.encode()) for who in ids)) if ids else NEVER_MATCHES
        )

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.everyone)

    def mentioned_in(self, what: bytes) -> bool:
        """Return whether one of the ids stands in some bytes; it may be a part of another id."""
        return self._mentioned.search(what) is not None

    def visitor(self, visitor: str, at_s: float) -> bool:
        """Return whether a visitor is not to be known of a time."""
        return at_s <= self._visitors.get(visitor, float("-inf"))

    def user(self, user: str | None, at_s: float) -> bool:
        """Return whether a user, if there is one, is not to be known of a time."""
        return user is not None and at_s <= self._users.get(user, float("-inf"))


def _latest(erased: Iterable[Erased]) -> dict[str, float]:
    latest: dict[str, float] = {}
    for each in erased:
        latest[each.who] = max(each.at_s, latest.get(each.who, each.at_s))
    return latest
