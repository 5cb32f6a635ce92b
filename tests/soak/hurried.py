"""The worker with stores that are in a hurry too: they soon let go of what they keep by the wall clock.

Their buffers are small, so that they are full before anything is judged: usual ones fill for an hour, which
looks like a leak. What is kept for a time of the wall clock is kept for two minutes.
"""

import sys

from flows.cli import main
from flows.stores import features, rocksdb, seen_ids

TTL_S = 120
rocksdb._WRITE_BUFFER_BYTES = 64 << 10
rocksdb._MEMTABLES_BYTES = 2 << 20
rocksdb._BLOCK_CACHE_BYTES = 2 << 20


def open_for_writing(directory, *, ttl_s=None):
    """Open a database that keeps for two minutes what it would keep for days."""
    return rocksdb.open_for_writing(directory, ttl_s=None if ttl_s is None else TTL_S)


if __name__ == "__main__":
    features.open_for_writing = seen_ids.open_for_writing = open_for_writing
    sys.exit(main())
