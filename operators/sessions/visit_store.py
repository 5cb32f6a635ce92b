"""The live visits of a shard: those that moved lately as objects, the others as bytes."""

from collections.abc import Container, Iterable
from typing import Final

import msgspec

from operators.sessions.visit import Visit

AWAKE: Final = 128
"""Beyond so many objects a shard keeps only those that moved since the feature store heard of them."""

Visitor = tuple[str, str]
"""An identity: market and visitor."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Visit)


def written(visit: Visit) -> bytes:
    """Return a visit as the bytes it is saved as."""
    return _ENCODER.encode(visit)


class LiveVisits:
    """Visits by visitor; whoever asks for one gets the object, which may be changed in place.

    At rest a visit takes a fifth of the memory and is not encoded again when the state is written down.
    """

    __slots__ = ("_awake", "_resting")

    def __init__(self) -> None:
        self._awake: dict[Visitor, Visit] = {}
        self._resting: dict[Visitor, bytes] = {}

    def __len__(self) -> int:
        """Return how many visits are live."""
        return len(self._awake) + len(self._resting)

    def get(self, key: Visitor) -> Visit | None:
        """Return the visit of a visitor, None if there is none."""
        visit = self._awake.get(key)
        if visit is None and (row := self._resting.pop(key, None)) is not None:
            visit = self._awake[key] = _DECODER.decode(row)
            visit.share()
        return visit

    def add(self, key: Visitor, visit: Visit) -> None:
        """Take up a visit that has begun."""
        self._awake[key] = visit

    def remove(self, key: Visitor) -> None:
        """Drop the visit of a visitor for whom there is an object: it has ended."""
        del self._awake[key]

    def row(self, key: Visitor) -> bytes:
        """Return the visit of a visitor as bytes."""
        row = self._resting.get(key)
        return written(self._awake[key]) if row is None else row

    def rest(self, moved: Container[Visitor]) -> None:
        """Lay down, where there are too many objects, those that have not moved."""
        if len(self._awake) > AWAKE:
            for key in [key for key in self._awake if key not in moved]:
                self._resting[key] = written(self._awake.pop(key))

    def rows(self) -> list[Visit | msgspec.Raw]:
        """Return all visits, ready to be encoded in one go: objects, and bytes that stand as they are."""
        return [*self._awake.values(), *map(msgspec.Raw, self._resting.values())]

    def restore(self, rows: Iterable[msgspec.Raw]) -> Iterable[tuple[Visitor, Visit]]:
        """Take up visits as they were written down; return each once, to look at."""
        for raw in rows:
            row = bytes(raw)
            visit = _DECODER.decode(row)
            visit.share()
            key = (visit.market, visit.visitor)
            self._resting[key] = row
            yield key, visit
