"""How a RocksDB is opened: for writing by its one owner, read only beside it by everyone else."""

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

from rocksdict import (
    AccessType,
    BlockBasedOptions,
    Cache,
    Checkpoint,
    DbClosedError,
    DBRecoveryMode,
    Options,
    Rdict,
    WriteBufferManager,
)

TTL_BYTES: Final = 4
"""The length of what RocksDB appends to each value of a database with a time to live."""

_BLOCK_CACHE_BYTES: Final = 32 << 20
_MEMTABLES_BYTES: Final = 64 << 20
"""Both are shared by every database of the process, so that many partitions cost little more than one.

Beside them a database keeps its bloom filters in memory, about 1.25 bytes a key: filters in the cache make a
lookup three times as expensive.
"""

_WRITE_BUFFER_BYTES: Final = 4 << 20
_RETRIES: Final = 4
_LENGTH: Final = struct.Struct(">H").pack

_opened: Final[dict[Path, Rdict]] = {}
"""What this process has opened as its owner. Bounded by the databases of its state."""


@cache
def _shared() -> tuple[Cache, WriteBufferManager]:
    return Cache(_BLOCK_CACHE_BYTES), WriteBufferManager(_MEMTABLES_BYTES, allow_stall=False)


def _options() -> Options:
    blocks, memtables = _shared()
    table = BlockBasedOptions()
    table.set_block_cache(blocks)
    table.set_bloom_filter(10, False)
    options = Options(raw_mode=True)
    # An end that a power failure cut off is dropped; damage before that is told.
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    options.set_block_based_table_factory(table)
    options.set_write_buffer_manager(memtables)
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.05)
    options.set_keep_log_file_num(1)
    options.set_max_log_file_size(1 << 20)
    options.set_stats_dump_period_sec(0)
    return options


def open_for_writing(directory: Path, *, ttl_s: int | None = None) -> Rdict:
    """Open or create the database as its one owner.

    With ``ttl_s`` RocksDB deletes what was written longer ago (wall clock) when it compacts, at the latest
    half as long again after that; until then it is still found.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if ttl_s is None:
        database = Rdict(str(directory), _options())
    else:
        database = Rdict(str(directory), _options(), access_type=AccessType.with_ttl(ttl_s))
        database.set_options({"periodic_compaction_seconds": str(ttl_s // 2)})
    _opened[directory.resolve()] = database
    return database


def copy_opened(within: Path, to: Path) -> list[str]:
    """Copy the databases below a directory that this process has open, each as it is now; return their names.

    Their files never change and are hard links where ``to`` is on the same file system. May be called on
    another thread than the owner's.
    """
    copied = []
    for directory, database in sorted(_opened.items()):
        if not directory.is_relative_to(within.resolve()):
            continue
        name = directory.relative_to(within.resolve())
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        with suppress(DbClosedError):
            Checkpoint(database).create_checkpoint(str(to / name))
            copied.append(str(name))
    return copied


@contextmanager
def open_read_only(directory: Path) -> Iterator[Rdict]:
    """Open the database read only, as it is now, while its owner may go on writing.

    Values of a database with a time to live end in ``TTL_BYTES`` bytes of RocksDB's own.
    """
    options = Options(raw_mode=True)
    options.create_if_missing(False)
    options.set_max_open_files(-1)
    with tempfile.TemporaryDirectory(prefix="offerstream-") as info_log:
        database = _open_secondary(directory, options, info_log)
        try:
            yield database
        finally:
            database.close()


def _open_secondary(directory: Path, options: Options, info_log: str) -> Rdict:
    # The owner may delete a file after the list of files is read and before the file is opened.
    for _ in range(_RETRIES):
        with suppress(Exception):
            return Rdict(str(directory), options, access_type=AccessType.secondary(info_log))
    return Rdict(str(directory), options, access_type=AccessType.secondary(info_log))


def items_from(database: Rdict, key: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values from a key on; raises what RocksDB says of damage, where ``items`` just ends."""
    iterator = database.iter()
    iterator.seek(key)
    while iterator.valid():
        yield iterator.key(), iterator.value()
        iterator.next()
    iterator.status()


def count_checked(directory: Path) -> int:
    """Read all of a database, and return how many keys it has; raises what RocksDB says of damage.

    Its owner may go on writing, which may need several tries. Reading beside the owner passes over files that
    are gone, and an iteration ends early without a word: here neither does.
    """
    for _ in range(_RETRIES):
        with suppress(Exception):
            return _count(directory)
    return _count(directory)


def _count(directory: Path) -> int:
    options = Options(raw_mode=True)
    options.create_if_missing(False)
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    database = Rdict(str(directory), options, access_type=AccessType.read_only())
    try:
        iterator = database.iter()
        iterator.seek_to_first()
        number = 0
        while iterator.valid():
            number += 1
            iterator.next()
        iterator.status()
        del iterator
        return number
    finally:
        database.close()


def prefixed(kind: bytes, name: str) -> bytes:
    r"""Return a key prefix that is no beginning of another name's prefix.

    >>> prefixed(b"v", "ab")
    b'v\x00\x02ab'
    """
    encoded = name.encode()
    return kind + _LENGTH(len(encoded)) + encoded
