"""The assignments of a market beside its ledger: in the same RocksDB, or in memory for one run."""

import struct
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import islice, takewhile
from typing import Final, cast

from rocksdict import Rdict, WriteBatch, WriteOptions

from flows.stores.hot_rows import HotRows
from flows.stores.rocksdb import items_from, prefixed
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

    def recall_timed(self, name: str) -> tuple[float, bytes] | None:
        """Return what was last written under a name and for which time."""
        found = cast("bytes | None", self._identities.get(prefixed(b"a", name)))
        return None if found is None else (_TIME.unpack(found[: _TIME.size])[0], found[_TIME.size :])

    def replace(self, name: str, by: tuple[float, bytes] | None) -> None:
        """Write what is known at a time under a name; None: nothing, and no trace of the name."""
        key = prefixed(b"a", name)
        before = cast("bytes | None", self._identities.get(key))
        batch = WriteBatch(raw_mode=True)
        if before is not None:
            batch.delete(b"s" + before[: _TIME.size] + key)
        if by is None:
            batch.delete(key)
        else:
            self._put_identity(batch, name, *by)
        self._identities.write(batch, self._options)
        self._hot.drop(name)
        fault_point("row_replaced")

    def sweep(
        self,
        cursor: bytes,
        at_most: int,
        left: Callable[[str, bytes], bytes | None],
        mentions: Callable[[bytes], bool],
    ) -> bytes | None:
        """Look at so many rows, and then at the times under which they are found."""
        found: list[tuple[bytes, bytes]] = []
        goes_on: bytes | None = None
        for number, (key, value) in enumerate(items_from(self._identities, cursor or b"a")):
            if key[:1] not in {b"a", b"s"}:  # what is between them belongs to others
                goes_on = b"s" if key < b"s" else None
                break
            if number == at_most:
                goes_on = key
                break
            if mentions(key) or mentions(value):
                found.append((key, value))
        for key, value in found:
            self._leave(key, value, left)
        return goes_on

    def _leave(self, key: bytes, value: bytes, left: Callable[[str, bytes], bytes | None]) -> None:
        if key.startswith(b"a"):
            name, row = key[_NAME:].decode(), value[_TIME.size :]
            now = left(name, row)
            if now != row:
                at_s = _TIME.unpack(value[: _TIME.size])[0]
                self.replace(name, None if now is None else (at_s, now))
            return
        identity = key[1 + _TIME.size :]
        known = cast("bytes | None", self._identities.get(identity))
        if known is None or known[: _TIME.size] != key[1 : 1 + _TIME.size]:
            self._identities.delete(key)

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

    def recall_timed(self, name: str) -> tuple[float, bytes] | None:
        """Return what was last written under a name and for which time."""
        return self._identities.get(name)

    def replace(self, name: str, by: tuple[float, bytes] | None) -> None:
        """Keep what is known at a time under a name; None: nothing."""
        if by is None:
            self._identities.pop(name, None)
        else:
            self.remember(name, *by)

    def sweep(
        self,
        cursor: bytes,
        at_most: int,
        left: Callable[[str, bytes], bytes | None],
        mentions: Callable[[bytes], bool],
    ) -> bytes | None:
        """Look at all rows at once."""
        del cursor, at_most, mentions
        for name, (at_s, row) in list(self._identities.items()):
            now = left(name, row)
            if now != row:
                self.replace(name, None if now is None else (at_s, now))
        return None

    def forget_identities(self, before_s: float) -> int:
        """Delete identities last written before a time; return how many."""
        forgotten = 0
        while self._by_time and self._by_time[0][0] < before_s:
            at_s, identity = heappop(self._by_time)
            if self._identities.get(identity, (None,))[0] == at_s:
                del self._identities[identity]
                forgotten += 1
        return forgotten
