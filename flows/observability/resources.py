"""What the worker may use of its machine: its disk, and how much memory."""

import os
from pathlib import Path
from typing import Final, NamedTuple

CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Where Linux says what a container may use, of either version of cgroups."""


class Disk(NamedTuple):
    """The size of a file system in bytes, and what is free of it for the worker's user."""

    size: int
    free: int


def disk_of(directory: Path) -> Disk:
    """Return the disk of a directory; raises OSError where it is gone."""
    found = os.statvfs(directory)
    return Disk(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)


def memory_limit(limits: tuple[Path, ...] = CGROUP_LIMITS) -> int:
    """Return how many bytes of memory this process may use: the container's limit, or all there is."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *(limit for path in limits if (limit := _number_in(path)) is not None)])


def _number_in(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
