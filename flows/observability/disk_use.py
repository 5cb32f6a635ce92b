"""How much of the disk each part of the state takes."""

import os
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

    def look(self) -> dict[str, int]:
        """Return the bytes of each part."""
        now_s = self._elapsed()
        if now_s >= self._looked_s + LOOK_EVERY_S:
            self._looked_s = now_s
            self._parts = {part.name: sum(_sizes(part)) for part in _directories(self._directory)}
        return self._parts


def _directories(directory: Path) -> list[Path]:
    with suppress(OSError):
        return [each for each in directory.iterdir() if each.is_dir()]
    return []


def _sizes(directory: Path) -> Iterator[int]:
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                yield (Path(folder) / name).lstat().st_blocks * 512
