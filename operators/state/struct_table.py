"""Rows that are structs: changed in place as objects, encoded where they changed."""

from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

import msgspec

from operators.state.rows import StateRows, after

V = TypeVar("V")
_ENCODER: Final = msgspec.msgpack.Encoder()


class StructTable(Generic[V]):
    """Structs by name. ``get`` returns the object, which may be changed in place until the next snapshot.

    In memory is what was asked for since the last snapshot, also what was not there; without a store, all.
    """

    resident = False

    def __init__(self, rows: StateRows, prefix: bytes, kind: type[V]) -> None:
        self.prefix = prefix
        self._rows = rows
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._awake: dict[str, V | None] = {}
        self._encoded: dict[str, bytes] = {}
        self._dropped: dict[str, None] = {}
        rows.add(self)

    def get(self, name: str) -> V | None:
        """Return the struct of a name, None where there is none."""
        awake = self._awake
        if name in awake:
            return awake[name]
        if self._rows.store is None:
            return None
        encoded = self._rows.get(self.prefix + name.encode())
        value = None
        if encoded is not None:
            value = self._decode(encoded)
            self._encoded[name] = encoded
        awake[name] = value
        return value

    def put(self, name: str, value: V) -> None:
        """Let a name have this struct."""
        self._dropped.pop(name, None)
        self._awake[name] = value

    def drop(self, name: str) -> None:
        """Let a name have none."""
        self._encoded.pop(name, None)
        if self._rows.store is None:
            self._awake.pop(name, None)
        else:
            self._awake[name] = None
            self._dropped[name] = None

    def items(self) -> Iterator[tuple[str, V]]:
        """Yield all names with their structs, which costs the time that reading them takes.

        Names that are put meanwhile are left out.
        """
        names = dict.fromkeys(self._awake)
        start = len(self.prefix)
        for key in self._rows.scan(self.prefix, after(self.prefix)):
            names[key[start:].decode()] = None
        for name in names:
            value = self.get(name)
            if value is not None:
                yield name, value

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the rows that changed, and let all rest; without a store, yield all rows."""
        prefix, before = self.prefix, self._encoded
        for name in self._dropped:
            yield prefix + name.encode(), None
        for name, value in self._awake.items():
            if value is None:
                continue
            encoded = _ENCODER.encode(value)
            if before.get(name) != encoded:
                yield prefix + name.encode(), encoded
        self._dropped, self._encoded = {}, {}
        if self._rows.store is not None:
            self._awake = {}

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the rows of a snapshot."""
        start = len(self.prefix)
        self._awake = {key[start:].decode(): self._decode(value) for key, value in rows}
