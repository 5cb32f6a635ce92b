"""The assignments of a market beside its ledger: in the same RocksDB, or in memory for one run."""

import struct
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import islice, takewhile
from typing import Final, cast

from rocksdict import Rdict, WriteBatch, WriteOptions

from flows.stores.hot_rows import HotRows
from flows.stores.rocksdb import prefixed
from flows.worker.fault_points import fault_point

HOT: Final = 10_000
"""So many identities are kept in memory, even if nothing is known of them: most are soon asked for again."""
_TIME: Final = struct.Struct(">d")
_TIME_SIZE: Final = _TIME.size
_NAME: Final = len(prefixed(b"a", ""))
"""Where in its key the name of an identity begins."""
_FORGET_LIMIT: Final = 1000
"""The most identities that one call of ``forget_identities`` looks at; the rest goes with the next calls."""

# The keys: a identity -> time, value; s time identity -> nothing. An identity that is written again leaves
# the old key s behind, which goes when its own time is forgotten.


def _time_key(at_s: float) -> bytes:
    return b"s" + _TIME.pack(max(at_s, 0.0))


class RocksAssignments:
    """Assignments by identity in a database that is opened elsewhere, which nobody else writes to.

    Bounded by the identities written since the time that the caller last passed to ``forget_identities``; in
    memory by the ``hot`` ones.
    """

    def __init__(self, database: Rdict, write_options: WriteOptions, hot: int = HOT) -> None:
        self._identities = database
        self._options = write_options
        self._hot: HotRows[bytes | None] = HotRows(self._read, hot)
        self._with_entry: list[tuple[str, float, bytes]] = []
        self._oldest_identity = _time_key(0.0)

    def recall(self, identity: str) -> bytes | None:
        """Return the value last written for an identity."""
        return self._hot[identity]

    def _read(self, identity: str) -> bytes | None:
        found = self._identities.get(prefixed(b"a", identity))
        return None if found is None else cast("bytes", found)[_TIME_SIZE:]

    def remember(self, identity: str, at_s: float, what: bytes) -> None:
        """Write the value of an identity, all of it or nothing."""
        batch = WriteBatch(raw_mode=True)
        self._put_identity(batch, identity, at_s, what)
        self._identities.write(batch, self._options)
        fault_point("assignment_put")
        self._hot.keep(identity, what)

    def remember_with_entry(self, identity: str, at_s: float, what: bytes) -> None:
        """Write the value of an identity with the next entry of the ledger, both or neither."""
        self._with_entry.append((identity, at_s, what))
        self._hot.keep(identity, what)

    def _put_what_waits(self, batch: WriteBatch) -> None:
        for identity, at_s, what in self._with_entry:
            self._put_identity(batch, identity, at_s, what)
        self._with_entry.clear()

    def _put_identity(self, batch: WriteBatch, identity: str, at_s: float, what: bytes) -> None:
        time_key, key = _time_key(at_s), prefixed(b"a", identity)
        batch.put(key, time_key[1:] + what)
        batch.put(time_key + key, b"")
        self._oldest_identity = min(self._oldest_identity, time_key)

    def forget_identities(self, before_s: float) -> int:
        """Delete identities last written before a time, up to 1,000 in a call; return how many."""
        end = _time_key(before_s)
        if end <= self._oldest_identity:
            return 0
        expired = list(islice(self._written_before(end), _FORGET_LIMIT))
        batch = WriteBatch(raw_mode=True)
        forgotten = 0
        for key in expired:
            batch.delete(key)
            identity = key[1 + _TIME.size :]
            found = cast("bytes | None", self._identities.get(identity))
            if found is not None and found[: _TIME.size] == key[1 : 1 + _TIME.size]:
                batch.delete(identity)
                self._hot.drop(identity[_NAME:].decode())
                forgotten += 1
        if expired:
            self._identities.write(batch, self._options)
        # Starting where this call ended keeps the next one from iterating over what is deleted.
        self._oldest_identity = expired[-1] + b"\0" if len(expired) == _FORGET_LIMIT else end
        return forgotten

    def _written_before(self, end: bytes) -> Iterator[bytes]:
        keys = cast("Iterator[bytes]", self._identities.keys(from_key=self._oldest_identity))
        return takewhile(lambda key: key < end, keys)


class MemoryAssignments:
    """Assignments by identity for one run.

    Bounded by the identities written since the time that the caller last passed to ``forget_identities``.
    """

    def __init__(self) -> None:
        self._identities: dict[str, tuple[float, bytes]] = {}
        self._by_time: list[tuple[float, str]] = []

    def recall(self, identity: str) -> bytes | None:
        """Return the value last written for an identity."""
        return self._identities.get(identity, (0.0, None))[1]

    def remember(self, identity: str, at_s: float, what: bytes) -> None:
        """Keep the value of an identity."""
        self._identities[identity] = (at_s, what)
        heappush(self._by_time, (at_s, identity))

    remember_with_entry = remember

    def forget_identities(self, before_s: float) -> int:
        """Delete identities last written before a time; return how many."""
        forgotten = 0
        while self._by_time and self._by_time[0][0] < before_s:
            at_s, identity = heappop(self._by_time)
            if self._identities.get(identity, (None,))[0] == at_s:
                del self._identities[identity]
                forgotten += 1
        return forgotten
