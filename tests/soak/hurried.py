"""The worker, whose memory is in a hurry too: what would grow for hours before it is full is soon full.

The buffers of its stores are small, what they keep for days of the wall clock they keep for two minutes, and
what is bounded by a number, as the orders and the visitors a shard remembers, by a small one.
"""

import sys

from flows.cli import main
from flows.stores import features, rocksdb, seen_ids
from operators.sessions import known_orders, returning_visitors

TTL_S = 120


def open_for_writing(directory, *, ttl_s=None):
    """Open a database that keeps for two minutes what it would keep for days."""
    return rocksdb.open_for_writing(directory, ttl_s=None if ttl_s is None else TTL_S)


def hurry() -> None:
    """Bound what this process keeps, as above."""
    rocksdb._WRITE_BUFFER_BYTES = 64 << 10
    rocksdb._MEMTABLES_BYTES = 2 << 20
    rocksdb._BLOCK_CACHE_BYTES = 2 << 20
    known_orders.ORDERS = returning_visitors.RETURNING = 16  # in each of 64 shards
    features.open_for_writing = seen_ids.open_for_writing = open_for_writing


if __name__ == "__main__":
    hurry()
    sys.exit(main())
