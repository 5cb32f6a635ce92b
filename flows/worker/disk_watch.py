"""Ends the worker while its disk still has room: what runs into a full disk dies without a word."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from flows.worker.shutdown import Shutdown
from schemas.errors import StateError

LOOK_EVERY_S: Final = 1.0
WARN_TIMES: Final = 10
"""A disk is nearly full from so many times the least free room on."""


def free_bytes(directory: Path) -> int:
    """Return the bytes that this user may still write beside a file."""
    return shutil.disk_usage(directory).free


def check_free(directory: Path, least: int, free: Callable[[Path], int] = free_bytes) -> None:
    """Raise StateError where less than this is free."""
    found = free(directory)
    if found < least:
        raise StateError(
            f"the disk of the state directory {directory} is full: {found:,} bytes are free, at least "
            f"{least:,} must be (MIN_FREE_DISK); make room and start again, nothing is lost"
        )


class DiskWatch:
    """Looks at the free room every ``LOOK_EVERY_S``, on a thread, as long as its block lasts."""

    def __init__(
        self, directory: Path, least: int, shutdown: Shutdown, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self._directory = directory
        self._least = least
        self._shutdown = shutdown
        self._free = free
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk-watch", daemon=True)
        self._found: int | None = None

    def __enter__(self) -> Self:
        """Look until the block ends."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop looking."""
        self._closing.set()
        self._thread.join(LOOK_EVERY_S)

    def look(self) -> None:
        """Look once; a disk without the least room fails the worker."""
        try:
            self._found = self._free(self._directory)
            check_free(self._directory, self._least, lambda _: self._found or 0)
        except StateError as error:
            self._shutdown.fail(error)
        except OSError as error:
            self._shutdown.fail(
                StateError(f"the state directory {self._directory} cannot be read: {error.strerror}")
            )

    def reasons(self) -> dict[str, str]:
        """Return a sentence while the disk is nearly full."""
        found = self._found
        if found is None or found >= WARN_TIMES * self._least:
            return {}
        return {
            "disk": f"the disk of the state is nearly full: {found:,} bytes are free, at {self._least:,} the "
            "worker ends"
        }

    def _run(self) -> None:
        while not self._closing.wait(LOOK_EVERY_S):
            self.look()
