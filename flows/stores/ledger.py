"""The ledger on disk: a RocksDB for each market, entries by number, found by decision, name and age."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, takewhile
from pathlib import Path
from typing import Final, cast

from rocksdict import Rdict, WriteBatch, WriteOptions

from flows.stores.assignments import RocksAssignments
from flows.stores.memory_ledger import MemoryLedger, check_is_newest
from flows.stores.rocksdb import items_from, open_for_writing, open_read_only, prefixed
from flows.stores.state_rows import MARKET_PREFIX, RocksRows
from flows.worker.fault_points import fault_point
from operators.decisions.ledger import visitor_name

_SEQ: Final = struct.Struct(">Q")
_TIME: Final = struct.Struct(">d")
_LENGTH: Final = struct.Struct(">H").pack
_FORGET_LIMIT: Final = 1000
"""The most entries that one call of ``forget`` deletes; the rest goes with the next calls."""

# The keys: e seq -> entry; i decision -> seq; n name seq -> nothing; l name -> the latest seq, so that most
# names need no iterator, which costs ten lookups; t time seq -> the keys i and n.
# Those of the assignments begin with a and s, those of the market's rows with r.


def _entry_key(seq: int) -> bytes:
    return b"e" + _SEQ.pack(seq)


def _id_key(decision_id: str) -> bytes:
    return prefixed(b"i", decision_id)


def _time_key(at_s: float) -> bytes:
    # Big-endian floats sort as their bytes do from zero on, and no event is older than 1970.
    return b"t" + _TIME.pack(max(at_s, 0.0))


def _newest_keys(database: Rdict, prefix: bytes) -> Iterator[bytes]:
    # Sequence numbers start with a zero byte for the next 2^56 decisions, so this is above them all.
    keys = cast("Iterator[bytes]", database.keys(backwards=True, from_key=prefix + b"\xff"))
    return takewhile(lambda key: key.startswith(prefix), keys)


def _named(database: Rdict, name: str) -> Iterator[bytes]:
    for key in _newest_keys(database, prefixed(b"n", name)):
        yield cast("bytes", database[b"e" + key[-_SEQ.size :]])


def _latest_key(named_key: bytes) -> bytes:
    """Return the key of the latest entry of a name, by that of any."""
    return b"l" + named_key[1 : -_SEQ.size]


def _keys_in(joined: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(joined):
        end = at + 2 + int.from_bytes(joined[at : at + 2], "big")
        yield joined[at + 2 : end]
        at = end


class RocksLedger(RocksAssignments):
    """The decisions of one market in one directory, which only this object may have open for writing.

    What is written survives the death of the process; with ``sync`` also a power failure. Bounded by what was
    written since the times that the caller last passed to ``forget`` and ``forget_identities``.
    """

    def __init__(self, directory: Path, *, sync: bool = False) -> None:
        self._database = open_for_writing(directory)
        self._options = WriteOptions()
        self._options.sync = sync
        super().__init__(self._database, self._options)
        self.rows: RocksRows = RocksRows(self._database, self._options, MARKET_PREFIX, "the ledger")
        self._oldest_entry = _time_key(0.0)
        self._last_seq = next((_SEQ.unpack(key[1:])[0] for key in _newest_keys(self._database, b"e")), -1)

    @property
    def last_seq(self) -> int:
        """The number of the last entry, -1 where there is none."""
        return self._last_seq

    def get(self, decision_id: str) -> bytes | None:
        """Return the entry of a decision, None if there is none."""
        seq = self._database.get(_id_key(decision_id))
        return None if seq is None else self._database[b"e" + seq]

    def put(self, seq: int, decision_id: str, names: tuple[str, ...], at_s: float, entry: bytes) -> None:
        """Write one entry, all of it or nothing; ValueError unless ``seq`` is the greatest yet."""
        check_is_newest(seq, self._last_seq)
        packed = _SEQ.pack(seq)
        by_id = _id_key(decision_id)
        by_time = _time_key(at_s) + packed
        batch = WriteBatch(raw_mode=True)
        put = batch.put
        put(b"e" + packed, entry)
        put(by_id, packed)
        found_by = _LENGTH(len(by_id)) + by_id
        for name in names:
            latest = prefixed(b"l", name)
            key = b"n" + latest[1:] + packed
            put(key, b"")
            put(latest, packed)
            found_by += _LENGTH(len(key)) + key
        put(by_time, found_by)
        self._put_what_waits(batch)
        self._database.write(batch, self._options)
        fault_point("ledger_put")
        self._last_seq = seq
        self._oldest_entry = min(self._oldest_entry, by_time)

    def after(self, seq: int) -> Iterator[bytes]:
        """Return the entries after a sequence number, oldest first."""
        for key, entry in self._from(_entry_key(max(seq + 1, 0))):
            if not key.startswith(b"e"):
                return
            fault_point("ledger_recovery")
            yield entry

    def named(self, name: str) -> Iterator[bytes]:
        """Return the entries of a name, newest first."""
        latest = self._database.get(prefixed(b"l", name))
        return iter(()) if latest is None else self._from_latest(name, latest)

    def _from_latest(self, name: str, latest: bytes) -> Iterator[bytes]:
        yield cast("bytes", self._database[b"e" + latest])
        yield from islice(_named(self._database, name), 1, None)

    def forget(self, before_s: float) -> int:
        """Delete entries older than ``before_s``, oldest first, up to 1,000 in a call; return how many."""
        end = _time_key(before_s)
        if end <= self._oldest_entry:
            return 0
        expired = takewhile(lambda item: item[0] < end, self._from(self._oldest_entry))
        batch = WriteBatch(raw_mode=True)
        forgotten = 0
        last = b""
        for last, keys in islice(expired, _FORGET_LIMIT):
            seq = last[-_SEQ.size :]
            by_id, *named = _keys_in(keys)
            for key in (last, b"e" + seq, by_id, *named):
                batch.delete(key)
            for latest in map(_latest_key, named):
                if self._database.get(latest) == seq:
                    batch.delete(latest)
            forgotten += 1
        if forgotten:
            self._database.write(batch, self._options)
        # Starting where this call ended keeps the next one from iterating over what is deleted.
        self._oldest_entry = last + b"\0" if forgotten == _FORGET_LIMIT else end
        return forgotten

    def _from(self, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        return items_from(self._database, key)

    def close(self) -> None:
        """Close the database."""
        self._database.close()


class Ledgers:
    """The ledgers of all markets, each opened at its first use; in memory without a directory.

    Bounded by the number of markets.
    """

    def __init__(self, directory: Path | None = None, *, sync: bool = False) -> None:
        self._directory = directory
        self._sync = sync
        self._open: dict[str, RocksLedger | MemoryLedger] = {}

    def of(self, market: str) -> RocksLedger | MemoryLedger:
        """Return the ledger of a market."""
        if market not in self._open:
            self._open[market] = (
                MemoryLedger()
                if self._directory is None
                else RocksLedger(self._directory / market, sync=self._sync)
            )
        return self._open[market]

    def close(self) -> None:
        """Close every ledger that is open."""
        while self._open:
            self._open.popitem()[1].close()


def read_decisions(directory: Path, market: str, visitor: str) -> list[bytes]:
    """Return the entries of a visitor, newest first, while a worker may have the ledger open."""
    path = directory / market
    if not path.is_dir():
        return []
    with open_read_only(path) as database:
        return list(_named(database, visitor_name(visitor)))


class ReadOnlyLedger:
    """The entries of a market as they are now, while a worker may have the ledger open."""

    def __init__(self, database: Rdict) -> None:
        self._database = database

    def after(self, seq: int) -> Iterator[bytes]:
        """Return the entries after a sequence number, oldest first."""
        first = _entry_key(max(seq + 1, 0))
        items = cast("Iterator[tuple[bytes, bytes]]", self._database.items(from_key=first))
        return (entry for _, entry in takewhile(lambda item: item[0].startswith(b"e"), items))

    def newest(self) -> bytes | None:
        """Return the newest entry, None where there is none."""
        return next((self._database[key] for key in _newest_keys(self._database, b"e")), None)

    def named(self, name: str) -> Iterator[bytes]:
        """Return the entries of a name, newest first."""
        return _named(self._database, name)


@contextmanager
def read_ledger(directory: Path, market: str) -> Iterator[ReadOnlyLedger | None]:
    """Open the ledger of a market to read it, None where it has decided nothing yet."""
    path = directory / market
    if not path.is_dir():
        yield None
        return
    with open_read_only(path) as database:
        yield ReadOnlyLedger(database)
