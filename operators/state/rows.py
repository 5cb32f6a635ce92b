"""The rows of one station: a snapshot holds those that changed since the one before, not all there are.

After a crash Bytewax takes a station back to the last sealed epoch; rows on disk are not taken back. So a
change stands in a snapshot alone at first, and reaches the disk when the next snapshot is asked for: Bytewax
ends no epoch before the one before it is sealed, so the station will never go back behind that snapshot.
Writing the same rows once more, after a crash in between, changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

import msgspec

Changes = Mapping[bytes, bytes | None]
"""Rows by key as they are now, None for those that are gone."""


class RowStore(Protocol):
    """The rows of one station on disk, with one writer. ``place`` names where that is."""

    place: str

    def get(self, key: bytes) -> bytes | None:
        """Return a row, None where there is none."""

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows with keys from ``start`` to before ``end``, in the order of their keys."""

    def number(self) -> int:
        """Return the number of the last snapshot whose changes were written, zero where there is none."""

    def write(self, number: int, changes: Changes) -> None:
        """Write the changes of the snapshot of this number, all of them or none."""

    def take_over(self, place: str) -> None:
        """Replace the rows by those that this station has in another place."""

    def clear(self) -> None:
        """Drop all rows."""

    def erased(self) -> None:
        """Note that what is dropped must leave the disk soon, and not just be found no more."""


class Table(Protocol):
    """Rows of one kind: their keys begin with ``prefix``. Those that are ``resident`` are all in memory."""

    prefix: bytes
    resident: bool

    def drain(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Yield what changed since the last time; without a store, yield all rows."""

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up all rows of a snapshot: those of a resident table, without a store of every table."""


class _Snapshot(msgspec.Struct, array_like=True):
    number: int
    place: str | None
    changes: dict[bytes, bytes | None]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Snapshot)


class StateRows:
    """The rows of one station, in tables. In memory is what changed since the last snapshot but one.

    Without a store all rows stay in memory and every snapshot holds all of them.
    """

    def __init__(self, store: RowStore | None = None) -> None:
        self.store = store
        self._tables: list[Table] = []
        self._number = 0
        self._sealing: dict[bytes, bytes | None] = {}
        self._unclaimed: dict[bytes, bytes] = {}

    def add(self, table: Table) -> None:
        """Let a table be part of the snapshots; ValueError where its keys could be those of another."""
        for each in self._tables:
            if each.prefix.startswith(table.prefix) or table.prefix.startswith(each.prefix):
                raise ValueError(f"tables {each.prefix!r} and {table.prefix!r} would share keys")
        self._tables.append(table)
        if self._unclaimed:
            self._load(table)

    def get(self, key: bytes) -> bytes | None:
        """Return a row as of the last snapshot, None where there was none."""
        if key in self._sealing:
            return self._sealing[key]
        return None if self.store is None else self.store.get(key)

    def scan(self, start: bytes, end: bytes) -> dict[bytes, bytes]:
        """Return the rows as of the last snapshot with keys from ``start`` to before ``end``."""
        found = {} if self.store is None else dict(self.store.scan(start, end))
        for key, value in self._sealing.items():
            if start <= key < end:
                if value is None:
                    found.pop(key, None)
                else:
                    found[key] = value
        return found

    def begin(self) -> None:
        """Begin without any rows: those that a store has are of a state that is lost."""
        if self.store is not None and self.store.number():
            self.store.clear()

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; LookupError where the store does not have the rows that belong to it."""
        was = _DECODER.decode(snapshot)
        self._number = was.number
        if self.store is None:
            self._unclaimed = {key: value for key, value in was.changes.items() if value is not None}
            for table in self._tables:
                self._load(table)
            return
        if was.place is not None and was.place != self.store.place:
            self.store.take_over(was.place)
        there = self.store.number()
        if was.place is not None and not was.number - 1 <= there <= was.number:
            raise LookupError(
                f"the rows in {self.store.place} are those of snapshot {there}, not of {was.number}: "
                "they do not belong to this recovery store"
            )
        if was.place is None:
            self.store.clear()
        self.store.write(was.number, was.changes)
        for table in self._tables:
            if table.resident:
                table.load(self.store.scan(table.prefix, after(table.prefix)))

    def erased(self) -> None:
        """Note that rows that are dropped now must leave the disk soon."""
        if self.store is not None:
            self.store.erased()

    def _load(self, table: Table) -> None:
        keys = [key for key in self._unclaimed if key.startswith(table.prefix)]
        table.load([(key, self._unclaimed.pop(key)) for key in keys])

    def snapshot(self) -> bytes:
        """Return what changed since the last snapshot as bytes, and write what had changed until then."""
        store = self.store
        if store is not None and self._number:
            store.write(self._number, self._sealing)
        changes = dict(row for table in self._tables for row in table.drain())
        if store is None:
            return _ENCODER.encode(_Snapshot(0, None, dict(sorted(changes.items()))))
        self._number += 1
        self._sealing = changes
        return _ENCODER.encode(_Snapshot(self._number, store.place, changes))


def changes_in(snapshot: bytes) -> dict[bytes, bytes | None]:
    """Return the rows that a snapshot holds, by key."""
    return _DECODER.decode(snapshot).changes


def after(prefix: bytes) -> bytes:
    """Return the first key after all that begin with a prefix, which must not end in 255.

    >>> after(b"ab")
    b'ac'
    """
    return prefix[:-1] + bytes([prefix[-1] + 1])
