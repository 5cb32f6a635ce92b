"""The rows of stations on disk, in a RocksDB that is opened elsewhere."""

import struct
from collections.abc import Iterator
from itertools import takewhile
from typing import Final, cast

from rocksdict import Rdict, WriteBatch, WriteOptions

from flows.worker.fault_points import fault_point
from operators.state.rows import Changes, after

_NUMBER: Final = struct.Struct(">Q")


class RocksRows:
    """The rows of one station: its keys in the database begin with ``prefix``, which no other key does.

    The number of the last snapshot that was written stands under the prefix alone.
    """

    def __init__(self, database: Rdict, options: WriteOptions, prefix: bytes, place: str) -> None:
        self.place = place
        self._database = database
        self._options = options
        self._prefix = prefix

    def get(self, key: bytes) -> bytes | None:
        """Return a row, None where there is none."""
        return cast("bytes | None", self._database.get(self._prefix + key))

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows with keys from ``start`` to before ``end``, in the order of their keys."""
        length, last = len(self._prefix), self._prefix + end
        items = self._database.items(from_key=self._prefix + start)
        for key, value in takewhile(
            lambda item: item[0] < last, cast("Iterator[tuple[bytes, bytes]]", items)
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
        """Raise LookupError: a market's rows are where its ledger is, and nowhere else."""
        raise LookupError(f"the rows of this state are in {place}, not in {self.place}")

    def clear(self) -> None:
        """Drop all rows."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(self._prefix, after(self._prefix))
        self._database.write(batch, self._options)
