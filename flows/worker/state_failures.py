"""What is wrong with a disk, in words: RocksDB, SQLite and the engine each say it in their own."""

import errno
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from schemas.errors import StateError


class Failure(NamedTuple):
    """What a storage engine says, what it means, and what to do."""

    says: re.Pattern[str]
    means: str


FAILURES: Final = (
    Failure(
        re.compile(
            r"no space left on device|database or disk is full|disk quota exceeded|file too large",
            re.IGNORECASE,
        ),
        "its disk is full: make room and start again, nothing is lost",
    ),
    Failure(
        re.compile(r"read-only file system|readonly database|permission denied", re.IGNORECASE),
        "it cannot be written: mount it for writing by the worker's user, and start again, nothing is lost",
    ),
    Failure(
        re.compile(r"too many open files", re.IGNORECASE),
        "too many files are open: raise the limit (`ulimit -n`, `LimitNOFILE`) to 1024 and start again",
    ),
    Failure(
        re.compile(
            r"corruption|checksum mismatch|malformed|not a database|no such file or directory",
            re.IGNORECASE,
        ),
        "it is damaged: `offerstream state check` says which part; bring the directory back as a whole from "
        "a backup, or start with a new one",
    ),
    Failure(
        re.compile(r"disk i/o error|input/output error|io error", re.IGNORECASE),
        "its disk fails to write or read: look at the system's log, and start again on a sound one",
    ),
)
NUMBERS: Final = {
    errno.ENOSPC: 0,
    errno.EDQUOT: 0,
    errno.EFBIG: 0,
    errno.EROFS: 1,
    errno.EMFILE: 2,
    errno.EIO: 4,
}


def state_error(error: BaseException, directory: Path) -> StateError | None:
    """Return in words what is wrong with the state directory; None for an error of another kind."""
    for one in _causes(error):
        failure = _failure(one, directory)
        if failure is not None:
            return StateError(f"the state directory {directory}: {failure.means} ({_first_line(one)})")
    return None


def _failure(error: BaseException, directory: Path) -> Failure | None:
    if isinstance(error, OSError):
        at = NUMBERS.get(error.errno or 0)
        return None if at is None else FAILURES[at]
    text = str(error)
    if not (isinstance(error, sqlite3.Error) or "Sqlite" in text or type(error) is Exception):
        return None  # RocksDB raises plain ones
    if type(error) is Exception and str(directory) not in text and not _of_rocksdb(text):
        return None
    return next((each for each in FAILURES if each.says.search(text)), None)


def _of_rocksdb(text: str) -> bool:
    return text.startswith(("Corruption", "IO error"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what caused it, the innermost first."""
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    yield from reversed(found)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]
