"""Which event ids a source partition has read: on disk for a worker, in memory for one run."""

import struct
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

from rocksdict import WriteBatch

from flows.stores.rocksdb import open_owned

WINDOW_S: Final = 24 * 3600.0
"""The same id is a duplicate within this much event time."""

_KEPT_S: Final = 48 * 3600
_ACCEPTED: Final = struct.Struct("<qd")
_KEPT_PER_ID: Final = 4 * _ACCEPTED.size


def _key(id_: str) -> bytes:
    return blake2b(id_.encode(), digest_size=12).digest()


def _judged(before: bytes, offset: int, at_s: float) -> bytes | None:
    """Return what to remember of an id that stood at ``before``, or None for a duplicate.

    Only what came at a smaller offset counts, so that reading again after a crash judges as the first time.
    """
    for accepted, accepted_s in _ACCEPTED.iter_unpack(before):
        if accepted == offset:
            return before
        if accepted < offset and abs(at_s - accepted_s) <= WINDOW_S:
            return None
    return (before + _ACCEPTED.pack(offset, at_s))[-_KEPT_PER_ID:]


class RocksSeenIds:
    """The memory of one partition in one directory, which only this object may have open.

    It survives the death of the process. Ids go 48 hours of wall clock after they were read.
    """

    def __init__(self, directory: Path) -> None:
        self._database = open_owned(directory, ttl_s=_KEPT_S)
        self._get = self._database.get
        self._fresh: dict[bytes, bytes] = {}

    def known(self, id_: str, offset: int, at_s: float) -> bool:
        """Say whether the id was read at a smaller offset within 24 hours of ``at_s``; else remember it."""
        key = _key(id_)
        before = self._fresh.get(key)
        if before is None:
            before = self._get(key)
        if before is None:
            self._fresh[key] = _ACCEPTED.pack(offset, at_s)
            return False
        after = _judged(before, offset, at_s)
        if after is None:
            return True
        if after is not before:
            self._fresh[key] = after
        return False

    def flush(self) -> None:
        """Write what was remembered since the last flush, all of it or nothing."""
        if not self._fresh:
            return
        batch = WriteBatch(raw_mode=True)
        put = batch.put
        for key, accepted in self._fresh.items():
            put(key, accepted)
        self._database.write(batch)
        self._fresh.clear()

    def close(self) -> None:
        """Give up the directory; what was not flushed is forgotten."""
        self._database.close()


class MemorySeenIds:
    """The memory of one partition for one run, bounded by the ids of three days of event time."""

    def __init__(self) -> None:
        self._young: dict[bytes, bytes] = {}
        self._old: Mapping[bytes, bytes] = {}
        self._since_s = float("-inf")

    def known(self, id_: str, offset: int, at_s: float) -> bool:
        """Say whether the id was read at a smaller offset within 24 hours of ``at_s``; else remember it."""
        # Half as long again as the window, so that ids out of order are not forgotten early.
        if at_s > self._since_s + 1.5 * WINDOW_S:
            self._old, self._young, self._since_s = self._young, {}, at_s
        key = _key(id_)
        after = _judged(self._young.get(key) or self._old.get(key, b""), offset, at_s)
        if after is not None:
            self._young[key] = after
        return after is None

    def flush(self) -> None:
        """Nothing outlives the run."""

    def close(self) -> None:
        """Nothing to give up."""
