"""What was erased leaves the disk: databases are compacted, and the recovery store is written anew.

A row that is deleted stands in the files of a database until it compacts, and a snapshot that Bytewax has
deleted in the free pages of SQLite. So some epochs after an erasure, once no snapshot tells of the person any
more, both are written anew. A file in the state directory says that this is due, also beyond a crash.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from flows.cluster.membership import ALONE, Member
from flows.observability.log_events import LogEvent, tell
from flows.stores.rocksdb import compact_opened

DUE_FILE: Final = "erasing"
EPOCHS: Final = 4
"""So many epochs after an erasure Bytewax has deleted the snapshots that tell of the person."""
PARTS: Final = ("rows", "ledger", "features")
"""The parts of the state whose databases have ids in them."""
BUSY_S: Final = 2.0

log = logging.getLogger("offerstream")


class ErasureCleaning:
    """Cleans at most every ``every_s``, from the beginning of its block to the end.

    Databases are compacted on a thread of its own; of several processes each does its own. The recovery store
    is written anew between two batches, since Bytewax would not wait for it long.
    """

    def __init__(
        self,
        state: Path,
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
        member: Member = ALONE,
    ) -> None:
        self._state = state
        self._member = member
        self._due = state / _due_name(member.index if member.addresses else None)
        self._left: list[Path] = []
        self._every_s = every_s
        self._clock = clock
        self._epoch = 0
        self._first: int | None = None
        self._last = 0
        self._cleaned_s = float("-inf")
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Take up what was due when an earlier run ended."""
        found = sorted(self._state.glob(f"{DUE_FILE}*"))
        if found:
            self.erased()
        if self._member.leads:
            count = self._member.count if self._member.addresses else 0
            running = {self._due.name, *map(_due_name, range(count))}
            self._left = [path for path in found if path.name not in running]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the databases, which are closed afterwards."""
        if self._thread is not None:
            self._thread.join()

    def erased(self) -> None:
        """Note that something was erased in this epoch."""
        if self._first is None:
            self._first = self._epoch
            self._due.touch()
        self._last = self._epoch

    def sealed(self) -> None:
        """Note that an epoch is sealed, and clean where it is time."""
        self._epoch += 1
        if self._thread is not None:
            if not self._thread.is_alive():
                self._thread = None
                self._done()
            return
        is_due = self._first is not None and self._epoch >= self._first + EPOCHS
        if is_due and self._clock() >= self._cleaned_s + self._every_s:
            self._cleaned_s = self._clock()
            # What was noted in the latest epochs is still told of by snapshots, and has to wait.
            self._first = self._epoch if self._last > self._epoch - EPOCHS else None
            self._thread = threading.Thread(target=self._compact, name="erasure", daemon=True)
            self._thread.start()

    def _compact(self) -> None:
        began_s = self._clock()
        compacted = [name for part in PARTS for name in compact_opened(self._state / part)]
        tell(
            log,
            LogEvent.ERASED_COMPACTED,
            databases=len(compacted),
            seconds=self._clock() - began_s,
        )

    def _done(self) -> None:
        if not rewrite_recovery(self._state / "recovery"):
            self._first = self._epoch if self._first is None else self._first
        elif self._first is None:
            for path in (self._due, *self._left):
                path.unlink(missing_ok=True)


def _due_name(process: int | None) -> str:
    """Return the name of the file in which a process notes that it has to clean."""
    return DUE_FILE if process is None else f"{DUE_FILE}-{process}"


def rewrite_recovery(directory: Path) -> bool:
    """Write the parts of a recovery store anew, without what was deleted; return whether all were."""
    try:
        for path in sorted(directory.glob("part-*.sqlite3")):
            with closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as store:
                store.execute("VACUUM")
                store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        tell(log, LogEvent.ERASED_WAITS, reason=str(error))
        return False
    return True
