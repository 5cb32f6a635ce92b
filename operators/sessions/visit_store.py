"""The live visits of a shard: those that changed lately as objects, the others as bytes."""

from collections.abc import Container, Iterable
from typing import Final

import msgspec

from operators.sessions.cart_index import VisitorKey
from operators.sessions.visit import Visit

AWAKE: Final = 128
"""Beyond so many objects a shard keeps only those that changed since they were last saved."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Visit)


def encode_visit(visit: Visit) -> bytes:
    """Return the bytes that a visit is saved as."""
    return _ENCODER.encode(visit)


class VisitStore:
    """Visits by visitor; ``get`` returns the object, which may be changed in place.

    At rest a visit takes a fifth of the memory and is not encoded again for a snapshot. Bounded by the visits
    that are live.
    """

    __slots__ = ("_awake", "_resting")

    def __init__(self) -> None:
        self._awake: dict[VisitorKey, Visit] = {}
        self._resting: dict[VisitorKey, bytes] = {}

    def __len__(self) -> int:
        """Return how many visits are live."""
        return len(self._awake) + len(self._resting)

    def get(self, key: VisitorKey) -> Visit | None:
        """Return the visit of a visitor, None if there is none."""
        visit = self._awake.get(key)
        if visit is None and (row := self._resting.pop(key, None)) is not None:
            visit = self._awake[key] = _DECODER.decode(row)
            visit.intern()
        return visit

    def add(self, key: VisitorKey, visit: Visit) -> None:
        """Add a visit that has begun."""
        self._awake[key] = visit

    def remove(self, key: VisitorKey) -> None:
        """Drop the visit of a visitor, which is awake: it has ended."""
        del self._awake[key]

    def row(self, key: VisitorKey) -> bytes:
        """Return the visit of a visitor as bytes."""
        row = self._resting.get(key)
        return encode_visit(self._awake[key]) if row is None else row

    def rest(self, changed: Container[VisitorKey]) -> None:
        """Encode, where there are too many objects, those that have not changed."""
        if len(self._awake) > AWAKE:
            for key in [key for key in self._awake if key not in changed]:
                self._resting[key] = encode_visit(self._awake.pop(key))

    def rows(self) -> list[Visit | msgspec.Raw]:
        """Return all visits, ready to be encoded in one go: objects, and bytes that are encoded already."""
        return [*self._awake.values(), *map(msgspec.Raw, self._resting.values())]

    def restore(self, rows: Iterable[msgspec.Raw]) -> Iterable[tuple[VisitorKey, Visit]]:
        """Take up the visits of a snapshot; yield each once, to read."""
        for raw in rows:
            row = bytes(raw)
            visit = _DECODER.decode(row)
            visit.intern()
            key = (visit.market, visit.visitor)
            self._resting[key] = row
            yield key, visit
