"""Moves what changes its owner between the state directories of processes with disks of their own.

Each part is copied beside its place, compared, given its name, and only then removed where it was. A move
that was interrupted leaves a part in two places or half a copy: the worker refuses to start on that, and the
same move again completes it.
"""

import filecmp
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from flows.cluster.holdings import MOVING, ROOMS, check_holdings, held_in, owners_of
from flows.worker.fault_points import fault_point
from flows.worker.state_dir import (
    FirstStart,
    disk_id,
    locked_state_dir,
    read_first_start,
    take_first_start,
)
from schemas.errors import SetupError


def state_move(
    directories: Sequence[Path], emptied: Sequence[Path] = (), tell: Callable[[str], object] = lambda _: None
) -> int:
    """Put each part of the state into the directory of the process that owns it; return how many moved.

    ``directories`` are those of the processes from now on, in their order; ``emptied`` those of processes
    that there will be no more. ``tell`` hears of each part. Raises SetupError where a worker runs on one of
    them, they are not of one worker, or a part stands in two places and differs.
    """
    everywhere = [*directories, *emptied]
    if len({path.resolve() for path in everywhere}) < len(everywhere):
        raise SetupError("each process must have a state directory of its own")
    with ExitStack() as locks:
        for directory in everywhere:
            locks.enter_context(locked_state_dir(directory))
        first = _one_first_start(everywhere)
        moved = 0
        for directory in everywhere:
            _drop_half_copies(directory)
        for source in everywhere:
            for name in held_in(source):
                target = _target(name, source, directories, first)
                if target != source:
                    tell(f"{name}: {source} -> {target}")
                    _move(source / name, target / name)
                    moved += 1
        for directory in directories:
            disk_id(directory)
            take_first_start(directory, first)
        held = {process: held_in(directory) for process, directory in enumerate(directories)}
        check_holdings(held, first, len(directories))
        return moved


def _one_first_start(directories: Sequence[Path]) -> FirstStart:
    found = [first for first in map(read_first_start, directories) if first is not None]
    if not found:
        raise SetupError("one of the directories must be the state directory of a worker; none is")
    newest = max(found, key=lambda first: len(first.sources))
    if any(first.started_at_s != newest.started_at_s for first in found):
        raise SetupError("the directories must be of one worker; they were first started at different times")
    return newest


def _target(name: str, source: Path, directories: Sequence[Path], first: FirstStart) -> Path:
    owner = owners_of(first, len(directories)).get(name)
    if owner is not None:
        return directories[owner]
    if source in directories:
        return source
    number = sum(name.encode())  # a part of the recovery store: it may be anywhere
    return directories[number % len(directories)]


def _drop_half_copies(directory: Path) -> None:
    for room in ROOMS:
        for path in (directory / room).glob(f"*{MOVING}"):
            _remove(path)


def _move(source: Path, target: Path) -> None:
    """Move a directory, or a file with what SQLite keeps beside it; what is there already must be equal."""
    beside = [source, *(source.with_name(source.name + end) for end in ("-wal", "-shm"))]
    for path in reversed([path for path in beside if path.exists()]):
        goal = target.with_name(path.name)
        if not goal.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            new = goal.with_name(goal.name + MOVING)
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, new)
            _sync(new)
            fault_point("state_copied")
            new.rename(goal)
            _sync(goal.parent)
        if not _is_same(path, goal):
            raise SetupError(f"{path} and {goal} differ: remove the one that is out of date")
        fault_point("state_moved")
    for path in beside:
        _remove(path)


def _is_same(one: Path, other: Path) -> bool:
    if one.is_dir() != other.is_dir():
        return False
    if not one.is_dir():
        return filecmp.cmp(one, other, shallow=False)
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in other.iterdir()):
        return False
    return all(_is_same(one / name, other / name) for name in names)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    for each in [path, *path.rglob("*")] if path.is_dir() else [path]:
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
