"""Who was erased, and when: what they did before is not taken any more, however late it is read."""

from hashlib import blake2b
from typing import Final
from zlib import crc32

import msgspec
from msgspec.structs import replace

from operators.state.map_table import MapTable
from operators.state.rows import StateRows
from operators.streaming.messages import (
    AnyShopEvent,
    Erasure,
    OrderCancellation,
    OrderRefund,
    OrderUpdate,
)

ERASED: Final = 4096
"""A shard remembers this many erasures, the latest."""
DIGEST_BYTES: Final = 12
_REVISIONS: Final = (OrderUpdate, OrderRefund, OrderCancellation)
_FILTER: Final = 0xFFFF


class Tombstone(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """That somebody was erased at a time; ``hint`` are 16 bits by which nearly all others are told apart."""

    at_s: float
    hint: int


class ErasedPersons:
    """Visitors and users by a keyed hash, the longest ago first. Bounded by ``ERASED``.

    ``key`` is the secret of this state: without it a tombstone says of nobody that he was erased.
    """

    __slots__ = ("_hints", "_key", "_tombstones")

    def __init__(self, rows: StateRows, key: bytes) -> None:
        self._tombstones = MapTable(rows, b"e", Tombstone)
        self._key = key
        self._hints: set[int] = set()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._tombstones)

    def restored(self) -> None:
        """Take up the hints of what a snapshot brought."""
        self._hints = {each.hint for each in self._tombstones.values()}

    def add(self, visitor: str, user: str | None, at_s: float) -> None:
        """Remember that a visitor, unless empty, and a user, if there is one, were erased."""
        for kind, who in (("visitor", visitor), ("user", user)):
            if who:
                name, hint = self._name(kind, who), _hint(who)
                known = self._tombstones.get(name)
                erased_s = at_s if known is None else max(at_s, known.at_s)
                self._tombstones.put(name, Tombstone(erased_s, hint))
                self._hints.add(hint)
        while len(self._tombstones) > ERASED:
            self._tombstones.drop_first()

    def left_of(self, event: AnyShopEvent) -> AnyShopEvent | None:
        """Return what may be taken of an event: None of one by somebody who was erased after it.

        What becomes of an order is money that counts, whoever ordered: it is taken without saying who.
        """
        visitor, user = event.visitor, event.user
        hints = self._hints
        if _hint(visitor) not in hints and (user is None or _hint(user) not in hints):
            return event
        if isinstance(event, Erasure):
            return event
        erased_s = max(self._erased_s("visitor", visitor), self._erased_s("user", user))
        if isinstance(event, _REVISIONS):
            is_known = erased_s > float("-inf")
            return replace(event, visitor="", user=None, session=None, context=None) if is_known else event
        return event if event.own_s > erased_s else None

    def forget(self, before_s: float) -> None:
        """Drop the tombstones of before a time."""
        dropped = False
        while (first := next(iter(self._tombstones.values()), None)) is not None and first.at_s < before_s:
            self._tombstones.drop_first()
            dropped = True
        if dropped:
            self.restored()

    def _erased_s(self, kind: str, who: str | None) -> float:
        known = self._tombstones.get(self._name(kind, who)) if who else None
        return float("-inf") if known is None else known.at_s

    def _name(self, kind: str, who: str) -> str:
        return blake2b(f"{kind}\x1f{who}".encode(), key=self._key, digest_size=DIGEST_BYTES).hexdigest()


def _hint(who: str) -> int:
    return crc32(who.encode()) >> 8 & _FILTER
