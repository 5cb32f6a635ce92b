"""Moves what changes its owner between the state directories of processes with disks of their own.

Each part is copied beside its place, compared, given its name, and only then removed where it was. A move
that was interrupted leaves directories that say so: the worker refuses to start on them, and the same move
again completes it. Rows of shards are copied to all, for a shard takes its own over from where it was.
"""

import filecmp
import shutil
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from flows.cluster.holdings import HALF, ROOMS, check_holdings, held_in, owners_of
from flows.cluster.layout import ALL, LAYOUT_FILE, MOVING, Layout, read_layout, write_layout
from flows.files.durable import sync
from flows.worker.fault_points import fault_point
from flows.worker.noted_databases import NOTES_FILE, note
from flows.worker.state_dir import (
    START_FILE,
    FirstStart,
    locked_state_dir,
    read_first_start,
    take_first_start,
)
from schemas.errors import SetupError

ROWS: Final = "rows"


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
        for directory in everywhere:
            _begin(directory)
        stores = {name for source in everywhere for name in held_in(source) if name.startswith("recovery/")}
        moved = 0
        for source in everywhere:
            for name in held_in(source):
                target = _target(name, source, directories, first)
                if target != source:
                    tell(f"{name}: {source} -> {target}")
                    _move(source / name, target / name)
                    moved += 1
        _spread_rows(everywhere, directories)
        held = {process: held_in(directory) for process, directory in enumerate(directories)}
        check_holdings(held, first, len(directories), len(stores))
        _end(directories, emptied, first)
        return moved


def _begin(directory: Path) -> None:
    """Let a directory say that it is being moved."""
    was = read_layout(directory)
    write_layout(directory, Layout(ALL if was is None else was.process, MOVING, ""))
    for room in (*ROOMS, ROWS):
        for path in (directory / room).glob(f"*{HALF}"):
            _remove(path)


def _end(directories: Sequence[Path], emptied: Sequence[Path], first: FirstStart) -> None:
    """Let each directory say whose it is now, and leave nothing in those that are nobody's."""
    move = uuid.uuid4().hex
    for process, directory in enumerate(directories):
        take_first_start(directory, first)
        note(directory)
        write_layout(directory, Layout(process, len(directories), move))
    for directory in emptied:
        for name in (*ROOMS, ROWS, START_FILE, NOTES_FILE, LAYOUT_FILE):
            _remove(directory / name)


def _spread_rows(everywhere: Sequence[Path], directories: Sequence[Path]) -> None:
    """Let each directory have the rows of all processes, as those processes have written them last."""
    sources: dict[str, Path] = {}
    for is_own in (False, True):
        for directory in reversed(everywhere):
            layout = read_layout(directory)
            process = ALL if layout is None else layout.process
            for path in sorted((directory / ROWS).glob("*")):
                if not path.name.endswith(HALF) and is_own == (process == ALL or path.name == str(process)):
                    sources[path.name] = path
    for directory in directories:
        for name, source in sources.items():
            goal = directory / ROWS / name
            if goal != source:
                _remove(goal)
                _copy(source, goal)


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


def _move(source: Path, target: Path) -> None:
    """Move a directory, or a file with what SQLite keeps beside it; what is there already must be equal."""
    beside = [source, *(source.with_name(source.name + end) for end in ("-wal", "-shm"))]
    for path in reversed([path for path in beside if path.exists()]):
        goal = target.with_name(path.name)
        _copy(path, goal)
        fault_point("state_moved")
    for path in beside:
        _remove(path)


def _copy(source: Path, goal: Path) -> None:
    """Copy a file or a directory, unless it is there; SetupError where they differ."""
    if not goal.exists():
        goal.parent.mkdir(parents=True, exist_ok=True)
        new = goal.with_name(goal.name + HALF)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, new)
        _sync(new)
        fault_point("state_copied")
        new.rename(goal)
        _sync(goal.parent)
    if not _is_same(source, goal):
        raise SetupError(f"{source} and {goal} differ: remove the one that is out of date")


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
        sync(each)
