"""How a RocksDB is opened: small for its one owner in this process, read only for everyone else."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from rocksdict import AccessType, BlockBasedOptions, Cache, Options, Rdict, WriteBufferManager

_BLOCK_CACHE_BYTES = 32 << 20
_MEMTABLES_BYTES = 64 << 20
"""Both are shared by every database of the process, so that many partitions cost little more than one.

Beside them a database keeps its bloom filters in memory, about 1.25 bytes a key: asked for in the cache they
cost three times as much a look-up.
"""

_WRITE_BUFFER_BYTES = 4 << 20
_ATTEMPTS = 5


@cache
def _shared() -> tuple[Cache, WriteBufferManager]:
    return Cache(_BLOCK_CACHE_BYTES), WriteBufferManager(_MEMTABLES_BYTES, allow_stall=False)


def _options() -> Options:
    blocks, memtables = _shared()
    table = BlockBasedOptions()
    table.set_block_cache(blocks)
    table.set_bloom_filter(10, False)
    options = Options(raw_mode=True)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_manager(memtables)
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.05)
    options.set_keep_log_file_num(1)
    options.set_max_log_file_size(1 << 20)
    options.set_stats_dump_period_sec(0)
    return options


def open_owned(directory: Path, *, ttl_s: int | None = None) -> Rdict:
    """Open or create the database as its one owner.

    With ``ttl_s`` what was written longer ago (wall clock) goes away when RocksDB compacts, which is at most
    half as much later; until then it is still found.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if ttl_s is None:
        return Rdict(str(directory), _options())
    database = Rdict(str(directory), _options(), access_type=AccessType.with_ttl(ttl_s))
    database.set_options({"periodic_compaction_seconds": str(ttl_s // 2)})
    return database


@contextmanager
def open_beside_owner(directory: Path) -> Iterator[Rdict]:
    """Open the database read only, as it is now, while its owner goes on writing.

    Values of a database with ``ttl_s`` end in 4 bytes of RocksDB's own (``TTL_BYTES``).
    """
    options = Options(raw_mode=True)
    options.create_if_missing(False)
    options.set_max_open_files(-1)
    with tempfile.TemporaryDirectory(prefix="offerstream-") as notes:
        database = _retried(directory, options, notes)
        try:
            yield database
        finally:
            database.close()


def _retried(directory: Path, options: Options, notes: str) -> Rdict:
    # The owner may delete a file between the moment its list is read and the moment the file is opened.
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return Rdict(str(directory), options, access_type=AccessType.secondary(notes))
        except Exception:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError


TTL_BYTES = 4


def prefixed(kind: bytes, *names: str) -> bytes:
    r"""Return a key prefix that no other tuple of names shares a beginning with.

    >>> prefixed(b"v", "ab")
    b'v\x00\x02ab'
    """
    encoded = (name.encode() for name in names)
    return kind + b"".join(len(name).to_bytes(2, "big") + name for name in encoded)
