"""The assignments of a market beside its ledger: in the same RocksDB, or in memory if nothing is kept."""

import struct
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import islice, takewhile
from typing import Final, cast

from rocksdict import Rdict, WriteBatch, WriteOptions

from flows.stores.rocksdb import prefixed
from flows.worker.fault_points import fault_point

_AT: Final = struct.Struct(">d")
_FORGET_AT_ONCE: Final = 1000
"""The most identities that one call of ``forget_identities`` looks at; the rest goes with the next calls."""

# The keys: a identity -> when, what; s when identity -> nothing. An identity that is written again leaves the
# old key s behind, which goes when its own time is forgotten.


def _seen_key(at_s: float) -> bytes:
    return b"s" + _AT.pack(max(at_s, 0.0))


class RocksAssignments:
    """Assignments by identity in a database that is opened elsewhere. Bounded by ``forget_identities``."""

    def __init__(self, database: Rdict, write: WriteOptions) -> None:
        self._identities = database
        self._how = write
        self._oldest_seen = _seen_key(0.0)

    def recall(self, identity: str) -> bytes | None:
        """Return what was last written of an identity."""
        found = self._identities.get(prefixed(b"a", identity))
        return None if found is None else cast("bytes", found)[_AT.size :]

    def remember(self, identity: str, at_s: float, what: bytes) -> None:
        """Write what is known of an identity, all of it or nothing."""
        batch = WriteBatch(raw_mode=True)
        batch.put(prefixed(b"a", identity), _seen_key(at_s)[1:] + what)
        batch.put(_seen_key(at_s) + prefixed(b"a", identity), b"")
        self._identities.write(batch, self._how)
        fault_point("assignment_put")
        self._oldest_seen = min(self._oldest_seen, _seen_key(at_s))

    def forget_identities(self, before_s: float) -> int:
        """Drop the identities last written of a time before, of 1,000 at most; return how many went."""
        end = _seen_key(before_s)
        if end <= self._oldest_seen:
            return 0
        aged = list(islice(self._seen_before(end), _FORGET_AT_ONCE))
        batch = WriteBatch(raw_mode=True)
        forgotten = 0
        for key in aged:
            batch.delete(key)
            identity = key[1 + _AT.size :]
            found = cast("bytes | None", self._identities.get(identity))
            if found is not None and found[: _AT.size] == key[1 : 1 + _AT.size]:
                batch.delete(identity)
                forgotten += 1
        if aged:
            self._identities.write(batch, self._how)
        # Starting where this call ended keeps the next one from walking over what is deleted.
        self._oldest_seen = aged[-1] + b"\0" if len(aged) == _FORGET_AT_ONCE else end
        return forgotten

    def _seen_before(self, end: bytes) -> Iterator[bytes]:
        keys = cast("Iterator[bytes]", self._identities.keys(from_key=self._oldest_seen))
        return takewhile(lambda key: key < end, keys)


class MemoryAssignments:
    """Assignments by identity, gone with the process; bounded by ``forget_identities``."""

    def __init__(self) -> None:
        self._identities: dict[str, tuple[float, bytes]] = {}
        self._by_time: list[tuple[float, str]] = []

    def recall(self, identity: str) -> bytes | None:
        """Return what was last written of an identity."""
        return self._identities.get(identity, (0.0, None))[1]

    def remember(self, identity: str, at_s: float, what: bytes) -> None:
        """Keep what is known of an identity."""
        self._identities[identity] = (at_s, what)
        heappush(self._by_time, (at_s, identity))

    def forget_identities(self, before_s: float) -> int:
        """Drop the identities last written of a time before; return how many went."""
        forgotten = 0
        while self._by_time and self._by_time[0][0] < before_s:
            at_s, identity = heappop(self._by_time)
            if self._identities.get(identity, (None,))[0] == at_s:
                del self._identities[identity]
                forgotten += 1
        return forgotten
