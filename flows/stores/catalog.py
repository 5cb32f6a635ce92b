"""The catalog on disk: a RocksDB for each market, the latest of each product and what it was before."""

import struct
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path
from typing import Final, NamedTuple, cast

import msgspec
from rocksdict import WriteBatch

from flows.stores.hot_rows import HotRows
from flows.stores.memory_catalog import MemoryCatalog
from flows.stores.rocksdb import open_for_writing, prefixed
from operators.streaming.messages import Product

HOT: Final = 10_000
"""So many products are kept in memory: most carts hold the same few."""
_TIME: Final = struct.Struct(">d")
_FORGET_LIMIT: Final = 1000
"""The most versions that one call of ``forget`` deletes; the rest goes with the next calls."""

# The keys: l sku -> time and product, its latest version; v sku time -> product, an earlier version;
# o time key -> nothing: what stands at that key is not needed for times from this one on.


class _Version(NamedTuple):
    """What a product is from a time on."""

    at_s: float
    product: Product | None


_NEVER: Final = _Version(float("-inf"), None)
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Product | None).decode


def _time(at_s: float) -> bytes:
    # Big-endian floats sort as their bytes do from zero on, and nothing is older than 1970.
    return _TIME.pack(max(at_s, 0.0))


class RocksCatalog:
    """The products of one market in one directory, which only this object may have open.

    It survives the death of the process. Bounded by the products, and by what changed since the time that was
    last passed to ``forget``; in memory by the ``hot`` ones.
    """

    def __init__(self, directory: Path, hot: int = HOT) -> None:
        self._database = open_for_writing(directory)
        self._get = self._database.get
        self._hot: HotRows[_Version] = HotRows(self._read, hot)
        self._oldest = b"o"
        self._is_synced = True

    def as_of(self, sku: str, at_s: float) -> Product | None:
        """Return a product as it was at a time."""
        known_s, product = self._hot[sku]
        if known_s <= at_s:
            return product
        prefix = prefixed(b"v", sku)
        found = self._database.items(backwards=True, from_key=prefix + _time(at_s))
        for key, value in cast("Iterator[tuple[bytes, bytes]]", found):
            return _decode(value) if key.startswith(prefix) else None
        return None

    def put(self, sku: str, at_s: float, product: Product | None) -> None:
        """Keep what a product is from a time on."""
        latest = self._hot[sku]
        batch = WriteBatch(raw_mode=True)
        if at_s < latest.at_s:
            self._put_earlier(batch, sku, _Version(at_s, product), latest.at_s)
        else:
            if latest is not _NEVER and at_s > latest.at_s:
                self._put_earlier(batch, sku, latest, at_s)
            key = prefixed(b"l", sku)
            batch.put(key, _TIME.pack(at_s) + _encode(product))
            if product is None:
                self._put_over(batch, at_s, key)
            self._hot.keep(sku, _Version(at_s, product))
        self._database.write(batch)
        self._is_synced = False

    def sync(self) -> None:
        """Write what was put through to the disk."""
        if not self._is_synced:
            self._database.flush_wal(True)
            self._is_synced = True

    def _put_earlier(self, batch: WriteBatch, sku: str, version: _Version, until_s: float) -> None:
        key = prefixed(b"v", sku) + _time(version.at_s)
        batch.put(key, _encode(version.product))
        self._put_over(batch, until_s, key)

    def _put_over(self, batch: WriteBatch, until_s: float, key: bytes) -> None:
        over = b"o" + _time(until_s) + key
        batch.put(over, b"")
        self._oldest = min(self._oldest, over)

    def _read(self, sku: str) -> _Version:
        row = self._get(prefixed(b"l", sku))
        return _NEVER if row is None else _Version(_TIME.unpack_from(row)[0], _decode(row[_TIME.size :]))

    def forget(self, before_s: float) -> None:
        """Drop what only times before this one can need, up to 1,000 versions in a call."""
        end = b"o" + _time(before_s) + b"\xff"
        if end <= self._oldest:
            return
        rows = cast("Iterator[tuple[bytes, bytes]]", self._database.items(from_key=self._oldest))
        over = (key for key, _ in takewhile(lambda row: row[0] < end, rows))
        batch = WriteBatch(raw_mode=True)
        last, count = b"", 0
        for last in islice(over, _FORGET_LIMIT):
            count += 1
            batch.delete(last)
            key = last[1 + _TIME.size :]
            if key[:1] == b"v" or self._is_removed(key, last):
                batch.delete(key)
        if count:
            self._database.write(batch)
        # Starting where this call ended keeps the next one from iterating over what is deleted.
        self._oldest = last + b"\0" if count == _FORGET_LIMIT else end

    def _is_removed(self, key: bytes, over: bytes) -> bool:
        """Return whether the latest version of a product is still the removal that this row is about."""
        row = self._get(key)
        if row is None or row[: _TIME.size] != over[1 : 1 + _TIME.size]:
            return False
        if _decode(row[_TIME.size :]) is not None:
            return False
        self._hot.drop(key[3:].decode())
        return True

    def close(self) -> None:
        """Close the database."""
        self._database.close()


class Catalogs:
    """The catalogs of all markets, each opened at its first use; in memory without a directory.

    Bounded by the number of markets.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._open: dict[str, RocksCatalog | MemoryCatalog] = {}

    def of(self, market: str) -> RocksCatalog | MemoryCatalog:
        """Return the catalog of a market."""
        if market not in self._open:
            directory = self._directory
            self._open[market] = MemoryCatalog() if directory is None else RocksCatalog(directory / market)
        return self._open[market]

    def close(self) -> None:
        """Close every catalog that is open."""
        while self._open:
            self._open.popitem()[1].close()
