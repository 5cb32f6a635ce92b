"""Copies of stores that nobody writes meanwhile: files that never change as links, others as they are."""

import fcntl
import os
import shutil
import sqlite3
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final

LOCK: Final = "LOCK"
PATIENCE_S: Final = 20.0
RETRY_S: Final = 0.05


def is_database(directory: Path) -> bool:
    """Return whether a directory holds a RocksDB."""
    return (directory / "CURRENT").is_file()


def copy_closed(directory: Path, to: Path) -> None:
    """Copy a RocksDB that nobody has open; BlockingIOError where somebody has.

    Must not be called for a database that this very process has open.
    """
    with ExitStack() as opened:
        if (directory / LOCK).exists():
            lock = opened.enter_context((directory / LOCK).open("ab"))
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BlockingIOError(f"{directory}") from None
        to.mkdir(parents=True)
        for path in directory.iterdir():
            if path.name != LOCK and not path.name.startswith("LOG"):
                link_or_copy(path, to / path.name, never_changes=path.suffix == ".sst")


def link_or_copy(path: Path, to: Path, *, never_changes: bool) -> None:
    """Make the same file once more: as a hard link where it never changes and the file system allows it."""
    if never_changes:
        with suppress(OSError):
            os.link(path, to)
            return
    shutil.copy2(path, to)


def copy_sqlite_files(directory: Path, to: Path, patience_s: float = PATIENCE_S) -> None:
    """Copy the SQLite files of a directory as they were at one time; TimeoutError where they keep changing.

    Not for a process in which another library has them open: the two would not know of each other's locks.
    """
    paths = sorted(directory.glob("*.sqlite3"))
    deadline_s = time.monotonic() + patience_s
    with ExitStack() as opened:
        sources = [opened.enter_context(closing(sqlite3.connect(path))) for path in paths]
        while True:
            before = _versions(sources)
            shutil.rmtree(to, ignore_errors=True)
            to.mkdir(parents=True)
            for path, source in zip(paths, sources, strict=True):
                with closing(sqlite3.connect(to / path.name)) as target:
                    source.backup(target)
            if _versions(sources) == before:
                return
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{directory} has not been still for {patience_s:.0f} s")
            time.sleep(RETRY_S)


def _versions(sources: list[sqlite3.Connection]) -> list[int]:
    """Return numbers that change when another process writes to a file."""
    return [source.execute("PRAGMA data_version").fetchone()[0] for source in sources]
