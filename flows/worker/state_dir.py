"""What a state directory remembers of its first start, and the lock that gives it one owner.

Until an epoch is sealed Bytewax has no snapshot to resume from; a restart then reads and writes on from
where the first start did, which stands in ``start.json``.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from schemas.errors import SetupError

FILE: Final = "start.json"
LOCK: Final = "lock"


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The first start of a state directory.

    ``started_at_s`` is its wall clock. ``sources`` and ``sinks`` name each part of a topic: the offset its
    first record was to be read from, and where it ended before we wrote to it.
    """

    format: int
    started_at_s: float
    shards: int
    markets: tuple[str, ...]
    sources: dict[str, int]
    sinks: dict[str, int]


class Offsets(msgspec.Struct, frozen=True, kw_only=True):
    """How the topics stand now: where to begin, and what a part added since the first start still holds."""

    first: Mapping[str, int]
    beginnings: Mapping[str, int]
    ends: Mapping[str, int]


@contextmanager
def owned(directory: Path) -> Iterator[None]:
    """The state directory for ourselves alone, made if need be, until we leave or die.

    Raises SetupError while another worker owns it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise SetupError(
                f"the state directory {directory} belongs to a running worker (process {owner}); "
                "stop it, or give this one a --state of its own"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def begun(directory: Path) -> Start | None:
    """The first start of this state directory; None if there was none; SetupError if it is unreadable."""
    path = directory / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Start)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise SetupError(f"{path} must be what an earlier start wrote; got: {error}") from error


def begin(directory: Path, fresh: Start, offsets: Offsets) -> Start:
    """The first start of this state directory: ``fresh``, or that of an earlier run.

    Parts that were added since are read from their beginning. Raises SetupError when the state is of another
    format or shard count, or when a part that it knows is gone.
    """
    known = begun(directory)
    if known is None:
        start = msgspec.structs.replace(fresh, sources=dict(offsets.first), sinks=dict(offsets.ends))
        _write(directory / FILE, start)
        return start
    _same(directory, "state format", known.format, fresh.format)
    _same(directory, "shard count", known.shards, fresh.shards)
    if gone := sorted(set(known.markets) - set(fresh.markets)):
        raise SetupError(
            f"the state in {directory} knows the market {', '.join(gone)}, which the offers file lacks; "
            "bring it back (it needs no offers), or start with a new state directory"
        )
    _all_there(directory, "read from", known.sources, offsets.first)
    _all_there(directory, "write to", known.sinks, offsets.ends)
    sources = {**offsets.beginnings, **known.sources}
    sinks = {**offsets.ends, **known.sinks}
    start = msgspec.structs.replace(known, markets=fresh.markets, sources=sources, sinks=sinks)
    if start != known:
        _write(directory / FILE, start)
    return start


def _same(directory: Path, what: str, known: int, ours: int) -> None:
    if known != ours:
        raise SetupError(
            f"the state in {directory} has {what} {known}, this version works with {ours}; "
            "start with a new state directory"
        )


def _all_there(directory: Path, what: str, known: Iterable[str], found: Iterable[str]) -> None:
    gone = sorted(set(known) - set(found))
    if gone:
        raise SetupError(
            f"the state in {directory} knows {', '.join(gone)} to {what}, which neither settings nor broker "
            "have now; bring them back, or start with a new state directory"
        )


def _write(path: Path, start: Start) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(start)))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
