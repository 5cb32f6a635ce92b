"""Which visitors are one person: those that were seen with the same user."""

import math
from collections.abc import Container, Iterable
from typing import Final, NamedTuple

import msgspec

from operators.experiments.assignment import MEMORY_S, REFRESH_S
from operators.streaming.durable_store import DurableStore
from operators.streaming.erased_people import ErasedPeople

USERS: Final = 4
"""Of a visitor this many users are remembered, the latest."""
VISITORS: Final = 20
"""Of a user this many visitors are remembered, the latest."""
LATEST: Final = 4096
"""Of so many links it is remembered that they need not be written again."""
OF_VISITOR: Final = "users of "
OF_USER: Final = "visitors of "
"""What the names begin with under which the links of a visitor and of a user are kept."""


class Link(msgspec.Struct, array_like=True, gc=False):
    """That a visitor and a user were seen together: since when, when last, and whether beyond orders."""

    other: str
    since_s: float
    seen_s: float
    browsed: bool = False


class Seen(NamedTuple):
    """Who a visitor is: the user, where there is one alone, all users and all visitors who are one person."""

    user: str | None
    users: tuple[str, ...]
    visitors: tuple[str, ...]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Link])


class Identities:
    """The links between the visitors and the users of a market, forgotten after 30 days without a sight.

    A link holds from the time at which it was seen, so that what is read again after a crash is decided as it
    was. Bounded by the visitors and users seen together in 30 days, with ``USERS`` and ``VISITORS``
    each, and by ``LATEST``.
    """

    def __init__(self, store: DurableStore) -> None:
        self._store = store
        self._latest: dict[tuple[str, str, bool], tuple[float, float]] = {}

    def link(self, visitor: str, user: str | None, at_s: float, *, browsed: bool = True) -> None:
        """Note that a visitor was seen with a user, if there is one; not ``browsed``: in an order."""
        if user is None or not visitor:
            return
        key = (visitor, user, browsed)
        since_s, until_s = self._latest.get(key, (math.inf, -math.inf))
        if since_s <= at_s < until_s:  # it stands in the store
            return
        self._add(_users_of(visitor), Link(user, at_s, at_s, browsed), USERS)
        self._add(_visitors_of(user), Link(visitor, at_s, at_s, browsed), VISITORS)
        self._latest[key] = at_s, at_s + REFRESH_S
        if len(self._latest) > LATEST:
            del self._latest[next(iter(self._latest))]

    def has_browsed(self, user: str, at_s: float) -> bool:
        """Return whether a visitor was seen with this user elsewhere than in an order, as known at a time."""
        return any(link.browsed and _holds(link, at_s) for link in self._links(_visitors_of(user)))

    def visitors(self, visitor: str, user: str | None, at_s: float) -> tuple[str, ...]:
        """Return the visitors who are one person with this visitor or user, as known at a time.

        The visitor comes first; an empty one is none.
        """
        return self._visitors(visitor, self.users(visitor, user, at_s), at_s)

    def see(self, visitor: str, user: str | None, at_s: float, known_s: float) -> Seen:
        """Note that a visitor is seen, with this user if there is one; return who that is.

        Without a user, it is the one with whom alone the visitor was seen. Users and visitors are those known
        at ``known_s``, this visitor first.
        """
        if user is None:
            known = self._known(_users_of(visitor), known_s)
            if not known:
                return Seen(None, (), (visitor,))
            user = known[0] if len(known) == 1 else None
        self.link(visitor, user, at_s)
        users = self.users(visitor, user, known_s)
        return Seen(user, users, self._visitors(visitor, users, known_s))

    def users(self, visitor: str, user: str | None, at_s: float) -> tuple[str, ...]:
        """Return the users who are one person with this visitor or user, as known at a time."""
        users = self._known(_users_of(visitor), at_s) if visitor else []
        return tuple(dict.fromkeys(users if user is None else [user, *users]))

    def visitors_of(self, user: str, at_s: float) -> tuple[str, ...]:
        """Return the visitors who were seen with a user, as known at a time."""
        return tuple(self._known(_visitors_of(user), at_s))

    def _visitors(self, visitor: str, users: Iterable[str], at_s: float) -> tuple[str, ...]:
        found = {visitor: None} if visitor else {}
        for each in users:
            found |= dict.fromkeys(self._known(_visitors_of(each), at_s))
        return tuple(found)

    def _known(self, name: str, at_s: float) -> list[str]:
        return [link.other for link in self._links(name) if _holds(link, at_s)]

    def _links(self, name: str) -> list[Link]:
        found = self._store.recall(name)
        return [] if found is None else _DECODER.decode(found)

    def _add(self, name: str, new: Link, limit: int) -> None:
        links, at_s = self._links(name), new.seen_s
        known = next((link for link in links if link.other == new.other), None)
        if known is not None:
            is_news = new.browsed and not known.browsed
            if known.since_s <= at_s < known.seen_s + REFRESH_S and not is_news:
                return
            links.remove(known)
            first_s, last_s = min(known.since_s, at_s), max(known.seen_s, at_s)
            new = Link(new.other, first_s, last_s, known.browsed or new.browsed)
        links.append(new)
        kept = [link for link in links if at_s < link.seen_s + MEMORY_S + REFRESH_S][-limit:]
        self._store.remember(name, at_s, _ENCODER.encode(kept))

    def forget_latest(self, visitors: Container[str], users: Container[str]) -> None:
        """Take it that the links of these visitors and users have to be written again."""
        self._latest = {
            key: times
            for key, times in self._latest.items()
            if key[0] not in visitors and key[1] not in users
        }


def links_left(name: str, row: bytes, erased: ErasedPeople) -> bytes | None:
    """Return what is left of the links of a visitor or a user, None for nothing."""
    of_visitor = name.startswith(OF_VISITOR)
    whose = name.removeprefix(OF_VISITOR if of_visitor else OF_USER)
    mine, theirs = (erased.visitor, erased.user) if of_visitor else (erased.user, erased.visitor)
    links = _DECODER.decode(row)
    left = [link for link in links if not (mine(whose, link.since_s) or theirs(link.other, link.since_s))]
    return _ENCODER.encode(left) if left else None


def _holds(link: Link, at_s: float) -> bool:
    return link.since_s <= at_s < link.seen_s + MEMORY_S + REFRESH_S


def _users_of(visitor: str) -> str:
    return f"{OF_VISITOR}{visitor}"


def _visitors_of(user: str) -> str:
    return f"{OF_USER}{user}"
