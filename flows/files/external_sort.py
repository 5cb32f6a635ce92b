"""Sorting what is larger than memory: sorted parts on disk, merged into one file."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from pathlib import Path
from typing import BinaryIO, Final

MEMORY_BYTES: Final = 128 << 20
"""So much is sorted in memory; more is sorted in parts."""
MAX_MERGED: Final = 64
"""So many parts are merged at once: each is an open file."""

_OBJECT_BYTES: Final = 160  # what the objects of a record take in memory beside the bytes of its value
_FRAME: Final = struct.Struct("<dqq")

Record = tuple[float, int, bytes]
"""Time in seconds, number in the file it came from, bytes. Times and numbers together are unique."""


class SortedRecords:
    """The records of a file that was sorted, each with the number it had before."""

    def __init__(self, file: BinaryIO, offset: int = 0, position: int = 0) -> None:
        self.offset = offset
        self.position = position
        self._file = file

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number of a record and its bytes."""
        for _, offset, value in _read(self._file):
            self.offset = offset + 1
            self.position += _FRAME.size + len(value)
            yield offset, value


def sorted_file(records: Iterable[Record], directory: Path, *, memory_bytes: int = MEMORY_BYTES) -> Path:
    """Return a file of ``SortedRecords``, by time and number, in a directory that is empty before.

    Holds about ``memory_bytes`` in memory, and on disk twice what the records have.
    """
    parts = [_written(part, directory / f"part-{n}") for n, part in enumerate(_parts(records, memory_bytes))]
    made = len(parts)
    while len(parts) > 1:
        merged = []
        for start in range(0, len(parts), MAX_MERGED):
            merged.append(_merged(parts[start : start + MAX_MERGED], directory / f"part-{made}"))
            made += 1
        parts = merged
    return parts[0]


def _parts(records: Iterable[Record], memory_bytes: int) -> Iterator[list[Record]]:
    part: list[Record] = []
    size = 0
    for record in records:
        part.append(record)
        size += len(record[2]) + _OBJECT_BYTES
        if size > memory_bytes:
            part.sort()
            yield part
            part, size = [], 0
    part.sort()
    yield part


def _merged(parts: list[Path], path: Path) -> Path:
    with ExitStack() as opened:
        files = [opened.enter_context(part.open("rb")) for part in parts]
        _written(merge(*map(_read, files)), path)
    for part in parts:
        part.unlink()
    return path


def _written(records: Iterable[Record], path: Path) -> Path:
    with path.open("wb") as file:
        for at_s, offset, value in records:
            file.write(_FRAME.pack(at_s, offset, len(value)))
            file.write(value)
    return path


def _read(file: BinaryIO) -> Iterator[Record]:
    while frame := file.read(_FRAME.size):
        at_s, offset, length = _FRAME.unpack(frame)
        yield at_s, offset, file.read(length)
