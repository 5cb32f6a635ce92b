"""The live visits of a shard: those that changed lately as objects, the others as bytes."""

from collections.abc import Container, Iterable, Iterator
from typing import Final

import msgspec

from operators.sessions.cart_index import VisitorKey
from operators.sessions.visit import Visit
from operators.state.rows import StateRows

AWAKE: Final = 512
"""Beyond so many objects a shard keeps only those that changed since they were last saved."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Visit)
_BETWEEN: Final = "\x1f"
VISITS: Final = b"v"
"""How the keys of the rows of visits begin."""


def encode_visit(visit: Visit) -> bytes:
    """Return the bytes that a visit is saved as."""
    return _ENCODER.encode(visit)


class VisitStore:
    """Visits by visitor; ``get`` returns the object, which may be changed in place.

    At rest a visit takes a fifth of the memory and is not encoded again for a snapshot. Bounded by the visits
    that are live.
    """

    __slots__ = ("_awake", "_is_durable", "_resting", "_touched", "prefix")

    resident = True

    def __init__(self, rows: StateRows) -> None:
        self.prefix = VISITS
        self._is_durable = rows.store is not None
        self._awake: dict[VisitorKey, Visit] = {}
        self._resting: dict[VisitorKey, bytes] = {}
        self._touched: dict[VisitorKey, None] = {}
        rows.add(self)

    def __len__(self) -> int:
        """Return how many visits are live."""
        return len(self._awake) + len(self._resting)

    def get(self, key: VisitorKey) -> Visit | None:
        """Return the visit of a visitor, None if there is none."""
        visit = self._awake.get(key)
        if visit is None:
            if (row := self._resting.pop(key, None)) is None:
                return None
            visit = self._awake[key] = _DECODER.decode(row)
            visit.intern()
        self._touched[key] = None
        return visit

    def add(self, key: VisitorKey, visit: Visit) -> None:
        """Add a visit that has begun."""
        self._awake[key] = visit
        self._touched[key] = None

    def remove(self, key: VisitorKey) -> None:
        """Drop the visit of a visitor, which is awake: it has ended."""
        del self._awake[key]
        self._touched[key] = None

    def row(self, key: VisitorKey) -> bytes:
        """Return the visit of a visitor as bytes."""
        row = self._resting.get(key)
        return encode_visit(self._awake[key]) if row is None else row

    def rest(self, changed: Container[VisitorKey]) -> None:
        """Encode, where there are too many objects, those that have not changed."""
        if len(self._awake) > AWAKE:
            for key in [key for key in self._awake if key not in changed]:
                self._resting[key] = encode_visit(self._awake.pop(key))

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the rows of the visits that were looked at; without a store, of all."""
        keys: Iterable[VisitorKey] = self._touched if self._is_durable else [*self._awake, *self._resting]
        for key in keys:
            is_live = key in self._awake or key in self._resting
            yield self.prefix + _BETWEEN.join(key).encode(), self.row(key) if is_live else None
        self._touched = {}

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the visits of a snapshot."""
        for name, row in rows:
            market, _, visitor = name[len(self.prefix) :].decode().partition(_BETWEEN)
            self._resting[market, visitor] = row

    def read(self) -> Iterator[tuple[VisitorKey, Visit]]:
        """Yield each visit at rest, to read."""
        for key, row in self._resting.items():
            visit = _DECODER.decode(row)
            visit.intern()
            yield key, visit
