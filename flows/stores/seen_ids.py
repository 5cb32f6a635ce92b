"""Which event ids a source partition has read: on disk for a worker, in memory for one run."""

import struct
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

from rocksdict import WriteBatch

from flows.stores.rocksdb import open_for_writing

WINDOW_S: Final = 24 * 3600.0
"""The same id within this much event time is a duplicate."""

TTL_S: Final = 48 * 3600
_READING: Final = struct.Struct("<qd")
_KEY_BYTES: Final = 12
_HISTORY_BYTES: Final = 4 * _READING.size
"""An id's history: the offset and time of each of its last four readings that were no duplicates."""


def _key(id_: str) -> bytes:
    return blake2b(id_.encode(), digest_size=_KEY_BYTES).digest()


def _updated_history(history: bytes, offset: int, at_s: float) -> bytes | None:
    """Return the history of an id with this reading in it, or None when the reading is a duplicate.

    Only smaller offsets make a duplicate, so that reading again after a crash gives the same answers.
    """
    for read_offset, read_s in _READING.iter_unpack(history):
        if read_offset == offset:
            return history
        if read_offset < offset and abs(at_s - read_s) <= WINDOW_S:
            return None
    return (history + _READING.pack(offset, at_s))[-_HISTORY_BYTES:]


class RocksSeenIds:
    """The ids of one partition in a directory, which only this object may have open.

    It survives the death of the process. Bounded by the ids read in ``ttl_s`` of wall clock, and half as long
    again until RocksDB compacts.
    """

    def __init__(self, directory: Path, ttl_s: int = TTL_S) -> None:
        self._database = open_for_writing(directory, ttl_s=ttl_s)
        self._get = self._database.get
        self._unflushed: dict[bytes, bytes] = {}

    def known(self, id_: str, offset: int, at_s: float) -> bool:
        """Return whether an id was read at a smaller offset within 24 hours of ``at_s``, else remember it."""
        key = blake2b(id_.encode(), digest_size=_KEY_BYTES).digest()
        history = self._unflushed.get(key)
        if history is None:
            history = self._get(key)
        if history is None:
            self._unflushed[key] = _READING.pack(offset, at_s)
            return False
        updated = _updated_history(history, offset, at_s)
        if updated is None:
            return True
        if updated is not history:
            self._unflushed[key] = updated
        return False

    def flush(self) -> None:
        """Write what was remembered since the last flush, all of it or nothing."""
        if not self._unflushed:
            return
        batch = WriteBatch(raw_mode=True)
        put = batch.put
        for key, history in sorted(self._unflushed.items()):  # neighbours are cheaper to insert
            put(key, history)
        self._database.write(batch)
        self._unflushed.clear()

    def close(self) -> None:
        """Close the database; what was not flushed is forgotten."""
        self._database.close()


class MemorySeenIds:
    """The ids of one partition for one run, bounded by the ids of three days of event time."""

    def __init__(self) -> None:
        self._newer: dict[bytes, bytes] = {}
        self._older: Mapping[bytes, bytes] = {}
        self._newer_since_s = float("-inf")

    def known(self, id_: str, offset: int, at_s: float) -> bool:
        """Return whether an id was read at a smaller offset within 24 hours of ``at_s``, else remember it."""
        # Half as long again as the window, so that ids out of order are not forgotten early.
        if at_s > self._newer_since_s + 1.5 * WINDOW_S:
            self._older, self._newer, self._newer_since_s = self._newer, {}, at_s
        key = _key(id_)
        updated = _updated_history(self._newer.get(key) or self._older.get(key, b""), offset, at_s)
        if updated is not None:
            self._newer[key] = updated
        return updated is None

    def flush(self) -> None:
        """Nothing is written: the ids end with the run."""

    def close(self) -> None:
        """Nothing is open."""
