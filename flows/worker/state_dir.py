"""What a state directory remembers of its first start, and the lock that lets one worker use it.

Until an epoch is sealed Bytewax has no snapshot to resume from. A restart then reads and writes from the
offsets of the first start, which ``start.json`` holds.
"""

import fcntl
import logging
import os
import secrets
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from flows.files.durable import replace_file
from flows.observability.log_events import LogEvent, tell
from schemas.errors import SetupError

STATE_FORMAT: Final = 8
START_FILE: Final = "start.json"
LOCK_FILE: Final = "lock"
DISK_FILE: Final = "disk"
RELEARNED: Final = "relearned"
"""Where `offerstream relearn` puts the states with which markets begin."""
PRIVATE: Final = 0o700
NOT_ITS_OFFSETS: Final = "how far the old one was read says nothing of the new one"

log = logging.getLogger("offerstream")


class StateInUseError(SetupError):
    """The state directory belongs to a running worker."""


class FirstStart(msgspec.Struct, frozen=True, kw_only=True):
    """The first start of a state directory.

    ``started_at_s`` is its wall clock. ``sources`` holds the offset from which each input partition was to
    be read, ``sinks`` the end of each output partition before the worker wrote to it. ``topics`` holds the
    ids of the topics, where the brokers have such. ``markets`` stand in the order in which they first
    appeared, which places them. ``emit_after_s``: what happened up to then was decided before this directory
    was; None where nothing was. ``erasure_key`` is the secret, in hexadecimal digits, with which it is
    remembered who was erased. Bounded by the number of partitions and markets.
    """

    format: int
    started_at_s: float
    shards: int
    markets: tuple[str, ...]
    sources: dict[str, int]
    sinks: dict[str, int]
    topics: dict[str, str] = {}
    emit_after_s: float | None = None
    erasure_key: str = ""

    @property
    def speaks_after_s(self) -> float:
        """The time after which moments lead to decisions."""
        return self.started_at_s if self.emit_after_s is None else self.emit_after_s


class TopicOffsets(msgspec.Struct, frozen=True, kw_only=True):
    """Offsets of the partitions as they are now.

    ``start`` is where a first start reads from, ``beginnings`` are the oldest offsets of the same
    partitions, ``ends`` are the ends of the output partitions. ``off`` are topics that a setting has turned
    off: written to once, perhaps, and no longer. ``ids`` are the ids of the topics.
    """

    start: Mapping[str, int]
    beginnings: Mapping[str, int]
    ends: Mapping[str, int]
    off: frozenset[str] = frozenset()
    ids: Mapping[str, str] = {}


def new_erasure_key() -> str:
    """Return a secret of 32 random bytes in hexadecimal digits."""
    return secrets.token_hex(32)


@contextmanager
def locked_state_dir(directory: Path, process: int | None = None) -> Iterator[int]:
    """Hold the state directory, made if need be, for this process alone; yield the descriptor of its lock.

    With ``process`` it is held beside other processes of the same worker, which have other numbers. The lock
    ends with the block, or with the last process that has the descriptor, and until then whatever the process
    makes is its user's alone. Raises SetupError while another worker holds it, where the directory cannot be
    written, and where others may write to it: a part of it is unpickled.
    """
    name = LOCK_FILE if process is None else f"{LOCK_FILE}-{process}"
    with ExitStack() as opened:
        opened.callback(os.umask, os.umask(0o077))
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _make_private(directory)
            if process is not None:
                shared = lock = opened.enter_context((directory / LOCK_FILE).open("ab+", buffering=0))
                fcntl.flock(shared, fcntl.LOCK_SH | fcntl.LOCK_NB)
            lock = opened.enter_context((directory / name).open("ab+", buffering=0))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.truncate(0)
            lock.write(b"%d\n" % os.getpid())
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().decode().strip() or "unknown"
            raise StateInUseError(
                f"the state directory {directory} belongs to a running worker (process {owner}); "
                "stop it, or use another state directory"
            ) from None
        except OSError as error:
            raise _not_writable(directory, error) from None
        yield lock.fileno()


def _make_private(directory: Path) -> None:
    """Take the rights of others to read it; SetupError where they had, or have, the right to write."""
    found = directory.stat()
    owner, mode = found.st_uid, stat.S_IMODE(found.st_mode)
    if owner not in (os.geteuid(), 0):
        raise SetupError(
            f"the state directory {directory} must belong to the worker's user, for what it holds is run as "
            f"code; it belongs to user {owner}"
        )
    is_mine = owner == os.geteuid()
    if mode & (stat.S_IWGRP | stat.S_IWOTH) and not (is_mine and _is_empty(directory)):
        mend = (
            f"look through it and `chmod -R go= {directory}`"
            if is_mine
            else f"name a directory in it, like {directory / 'state'}, which the worker makes"
        )
        raise SetupError(
            f"the state directory {directory} must be writable for its owner alone, for what it holds is run "
            f"as code; its mode is {mode:04o}: {mend}"
        )
    if is_mine and mode != PRIVATE:
        directory.chmod(PRIVATE)


def _is_empty(directory: Path) -> bool:
    return next(directory.iterdir(), None) is None


def read_first_start(directory: Path) -> FirstStart | None:
    """Return the first start of this state directory, None if there was none; SetupError if unreadable."""
    path = directory / START_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=FirstStart)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise SetupError(f"{path} must be what an earlier start wrote; got: {error}") from error


def write_first_start(directory: Path, first: FirstStart) -> None:
    """Write down the first start of a directory that was made for it; SetupError where it cannot be."""
    _write(directory, first)


def write_relearned(directory: Path, market: str, state: bytes) -> None:
    """Write the state with which a market begins."""
    path = directory / RELEARNED / market
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(state)


def relearned_in(directory: Path) -> Callable[[str], bytes | None]:
    """Return what finds the state with which a market begins, None where it begins anew."""

    def find(market: str) -> bytes | None:
        path = directory / RELEARNED / market
        return path.read_bytes() if path.is_file() else None

    return find


def start_or_resume(directory: Path, new: FirstStart, now: TopicOffsets) -> FirstStart:
    """Return the first start of this state directory: that of an earlier run, else ``new`` at ``now``.

    Partitions added since are read from their beginning. Raises SetupError when the state has another
    format or shard count, or knows a market or partition that is gone, or an input topic by another id.
    """
    known = read_first_start(directory)
    if known is None:
        first = msgspec.structs.replace(
            new, sources=dict(now.start), sinks=dict(now.ends), topics=dict(now.ids)
        )
        _write(directory, first)
        return first
    _check_same(directory, "state format", known.format, new.format)
    _check_same(directory, "shard count", known.shards, new.shards)
    if gone := sorted(set(known.markets) - set(new.markets)):
        raise SetupError(
            f"the state in {directory} knows the market {', '.join(gone)}, which the offers file lacks; "
            "bring it back (it needs no offers), or start with a new state directory"
        )
    _check_complete(directory, "read from", known.sources, now.start)
    written = {name: end for name, end in known.sinks.items() if name.rpartition("/")[0] not in now.off}
    _check_complete(directory, "write to", written, now.ends)
    _check_not_remade(directory, known, now.ids)
    sources = {**now.beginnings, **known.sources}
    sinks = {**now.ends, **written}
    markets = tuple(dict.fromkeys((*known.markets, *new.markets)))
    topics = {**known.topics, **now.ids}
    resumed = msgspec.structs.replace(known, markets=markets, sources=sources, sinks=sinks, topics=topics)
    if resumed != known:
        _write(directory, resumed)
    return resumed


def take_first_start(directory: Path, first: FirstStart) -> None:
    """Write down a first start that another process has found out."""
    if read_first_start(directory) != first:
        _write(directory, first)


def disk_id(directory: Path) -> str:
    """Return what tells this state directory from others; it is written at the first call."""
    path = directory / DISK_FILE
    try:
        if not path.exists():
            new = path.with_suffix(f".{os.getpid()}")
            new.write_text(uuid.uuid4().hex)
            with suppress(FileExistsError):
                path.hardlink_to(new)
            new.unlink()
        return path.read_text()
    except OSError as error:
        raise _not_writable(directory, error) from None


def _check_same(directory: Path, what: str, known: int, ours: int) -> None:
    if known != ours:
        raise SetupError(
            f"the state in {directory} has {what} {known}, this version works with {ours}; "
            "`offerstream relearn` rebuilds a new one from what was published, or "
            "start with a new state directory"
        )


def _check_complete(directory: Path, use: str, known: Iterable[str], found: Iterable[str]) -> None:
    gone = sorted(set(known) - set(found))
    if gone:
        raise SetupError(
            f"the state in {directory} knows {', '.join(gone)} to {use}, which neither settings nor broker "
            "have now; bring them back, or start with a new state directory"
        )


def _check_not_remade(directory: Path, known: FirstStart, ids: Mapping[str, str]) -> None:
    """Raise SetupError for an input topic that was made anew; log an output topic that was."""
    inputs = {name.rpartition("/")[0] for name in known.sources}
    for topic in remade(known.topics, ids):
        if topic in inputs:
            raise SetupError(
                f"topic {topic} was made anew since the state in {directory} was: {NOT_ITS_OFFSETS}; bring "
                "the old one back, or start with a new state directory"
            )
        tell(log, LogEvent.TOPIC_REMADE, topic=topic)


def remade(known: Mapping[str, str], ids: Mapping[str, str]) -> list[str]:
    """Return the topics that have other ids than those that are known.

    >>> remade({"events": "a", "offers": "b", "gone": "c"}, {"events": "a", "offers": "d", "new": "e"})
    ['offers']
    """
    return sorted(topic for topic, id_ in ids.items() if known.get(topic, id_) != id_)


def _write(directory: Path, first: FirstStart) -> None:
    try:
        replace_file(directory / START_FILE, msgspec.json.format(msgspec.json.encode(first)))
    except OSError as error:
        raise _not_writable(directory, error) from None


def _not_writable(directory: Path, error: OSError) -> SetupError:
    return SetupError(
        f"the state directory {directory} must be one that can be written; got: {error.strerror}"
    )
