"""Rows of one size, by number, that stand in arrays in memory."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from operators.state.rows import StateRows

_NUMBER_BYTES: Final = 4
_FEWEST: Final = 64


class ArrayTable:
    """Columns of numbers: ``table["name"][row]``, all of them zero at first.

    The arrays grow by doubling up to ``capacity`` rows, so one must not be kept from one change to the next.
    Whoever changes a row hands it to ``touch`` before. It takes ``row_bytes`` times ``capacity`` bytes at
    most.
    """

    resident = True

    def __init__(
        self, rows: StateRows, prefix: bytes, columns: Mapping[str, tuple[str, int]], capacity: int
    ) -> None:
        self.prefix = prefix
        self.capacity = capacity
        self._is_durable = rows.store is not None
        self._changed: set[int] = set()
        length = min(_FEWEST, capacity)
        self._used = np.zeros(length, dtype=bool)
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(length if width == 1 else (length, width), dtype=kind)
            for name, (kind, width) in columns.items()
        }
        rows.add(self)

    def __len__(self) -> int:
        """Return how many rows the arrays have now."""
        return len(self._used)

    def __getitem__(self, column: str) -> NDArray[Any]:
        """Return a column: its first axis is the rows."""
        return self._columns[column]

    @property
    def row_bytes(self) -> int:
        """The bytes that a row takes."""
        return 1 + sum(column[:1].nbytes for column in self._columns.values())

    def touch(self, row: int) -> None:
        """Let a row be there and be part of the next snapshot; IndexError beyond the capacity."""
        if row >= len(self._used):
            self._reach(row)
        self._used[row] = True
        self._changed.add(row)

    def clear(self, row: int) -> None:
        """Let a row have zeros only."""
        if row < len(self._used) and self._used[row]:
            self._changed.add(row)
            for column in self._columns.values():
                column[row] = 0

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the rows that changed; without a store, all that were ever touched."""
        columns = self._columns.values()
        for row in sorted(self._changed):
            yield (
                self.prefix + row.to_bytes(_NUMBER_BYTES, "big"),
                b"".join([column[row].tobytes() for column in columns]),
            )
        if self._is_durable:
            self._changed = set()

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up all rows of a snapshot."""
        for column in (self._used, *self._columns.values()):
            column[:] = 0
        self._changed = set()
        start = len(self.prefix)
        for key, encoded in rows:
            row = int.from_bytes(key[start:], "big")
            self.touch(row)
            place = 0
            for column in self._columns.values():
                cells = np.frombuffer(encoded, column.dtype, column[0].size, place)
                column[row] = cells.reshape(column.shape[1:])
                place += cells.nbytes
        if self._is_durable:
            self._changed = set()

    def _reach(self, row: int) -> None:
        if row >= self.capacity:
            raise IndexError(f"a table of {self.capacity} rows has no row {row}")
        length = len(self._used)
        while length <= row:
            length *= 2
        length = min(length, self.capacity)
        self._used = _grown(self._used, length)
        self._columns = {name: _grown(column, length) for name, column in self._columns.items()}


def _grown(column: NDArray[Any], length: int) -> NDArray[Any]:
    grown = np.zeros((length, *column.shape[1:]), dtype=column.dtype)
    grown[: len(column)] = column
    return grown
