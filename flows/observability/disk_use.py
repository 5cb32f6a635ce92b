"""How much of the disk the state takes, and how much is left."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 10.0


class DiskUse:
    """Bytes of each part of the state directory, looked up at most every ``LOOK_EVERY_S``.

    Bounded by the parts. Files come and go meanwhile: what is gone counts nothing.
    """

    def __init__(self, directory: Path, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._elapsed = elapsed
        self._looked_s = float("-inf")
        self._parts: dict[str, int] = {}
        self._free = 0

    def look(self) -> tuple[dict[str, int], int]:
        """Return the bytes of each part, and those that are free for this user."""
        now_s = self._elapsed()
        if now_s >= self._looked_s + LOOK_EVERY_S:
            self._looked_s = now_s
            self._parts = {part.name: sum(_sizes(part)) for part in _directories(self._directory)}
            with suppress(OSError):
                self._free = shutil.disk_usage(self._directory).free
        return self._parts, self._free


def _directories(directory: Path) -> list[Path]:
    with suppress(OSError):
        return [each for each in directory.iterdir() if each.is_dir()]
    return []


def _sizes(directory: Path) -> Iterator[int]:
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                yield (Path(folder) / name).lstat().st_blocks * 512
