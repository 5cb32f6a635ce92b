"""The rows of stations on disk, in a RocksDB that is opened elsewhere."""

import struct
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final, cast

import msgspec
from rocksdict import Rdict, WriteBatch, WriteOptions

from flows.stores.rocksdb import items_from, open_for_writing, open_read_only
from flows.worker.fault_points import fault_point
from operators.state.rows import Changes, after

_NUMBER: Final = struct.Struct(">Q")


MARKET_PREFIX: Final = b"r"
"""What the keys of a market's rows begin with in the database of its ledger."""


class RocksRows:
    """The rows of one station: its keys in the database begin with ``prefix``, which no other key does.

    The number of the last snapshot that was written stands under the prefix alone. ``places`` is the
    directory in which stations that move have their places, None where they do not move.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what it is of, and where
        self,
        database: Rdict,
        options: WriteOptions,
        prefix: bytes,
        place: str,
        places: Path | None = None,
        on_erased: Callable[[], object] = lambda: None,
    ) -> None:
        self.place = place
        self._places = places
        self._database = database
        self._options = options
        self._prefix = prefix
        self._on_erased = on_erased

    def get(self, key: bytes) -> bytes | None:
        """Return a row, None where there is none."""
        return cast("bytes | None", self._database.get(self._prefix + key))

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows with keys from ``start`` to before ``end``, in the order of their keys."""
        length, last = len(self._prefix), self._prefix + end
        for key, value in takewhile(
            lambda item: item[0] < last, items_from(self._database, self._prefix + start)
        ):
            yield key[length:], value

    def number(self) -> int:
        """Return the number of the last snapshot whose changes were written, zero where there is none."""
        found = cast("bytes | None", self._database.get(self._prefix))
        return 0 if found is None else _NUMBER.unpack(found)[0]

    def write(self, number: int, changes: Changes) -> None:
        """Write the changes of a snapshot, all of them or none."""
        batch = WriteBatch(raw_mode=True)
        prefix = self._prefix
        for key, value in changes.items():
            if value is None:
                batch.delete(prefix + key)
            else:
                batch.put(prefix + key, value)
        batch.put(prefix, _NUMBER.pack(number))
        self._database.write(batch, self._options)
        fault_point("rows_written")

    def take_over(self, place: str) -> None:
        """Replace the rows by those that the station has in another place."""
        if self._places is None:
            raise LookupError(f"the rows of this state are in {place}, not in {self.place}")
        self.clear()
        with open_read_only(self._places / place) as database:
            batch = WriteBatch(raw_mode=True)
            items = items_from(database, self._prefix)
            for key, value in takewhile(lambda item: item[0].startswith(self._prefix), items):
                batch.put(key, value)
            self._database.write(batch, self._options)

    def clear(self) -> None:
        """Drop all rows."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(self._prefix, after(self._prefix))
        self._database.write(batch, self._options)

    def erased(self) -> None:
        """Note that what is dropped must leave the disk soon."""
        self._on_erased()


def rows_number(database: Rdict, prefix: bytes) -> int:
    """Return the number of the last snapshot of a station whose changes stand in a database."""
    return RocksRows(database, WriteOptions(), prefix, "").number()


def shard_prefix(shard: int) -> bytes:
    """Return what the keys of a shard's rows begin with."""
    return b"%03d/" % shard


def numbered(snapshot: bytes) -> tuple[int, str | None]:
    """Return the number of a snapshot of rows, and the place of the rows that it belongs to."""
    number, place, *_ = msgspec.msgpack.decode(snapshot)
    return number, place


class ShardRows:
    """The rows of all shards that a process has, in a RocksDB of its own, opened at first use.

    ``slot`` is the number of the process: a shard that moves copies its rows from where it was. Bounded as
    the shards are, and by the rows of those that have moved away, until their place is cleared.
    """

    def __init__(
        self,
        directory: Path,
        slot: int = 0,
        *,
        sync: bool = False,
        on_erased: Callable[[], object] = lambda: None,
    ) -> None:
        self._on_erased = on_erased
        self._directory = directory
        self._slot = str(slot)
        self._options = WriteOptions()
        self._options.sync = sync
        self._database: Rdict | None = None

    def of(self, shard: int) -> RocksRows:
        """Return the rows of a shard."""
        if self._database is None:
            self._database = open_for_writing(self._directory / self._slot)
        prefix = shard_prefix(shard)
        return RocksRows(self._database, self._options, prefix, self._slot, self._directory, self._on_erased)

    def close(self) -> None:
        """Close the database, if it is open."""
        if self._database is not None:
            self._database.close()
            self._database = None
