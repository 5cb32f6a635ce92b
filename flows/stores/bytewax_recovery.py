"""Bytewax's recovery store, without what a crashed execution left in it of an epoch that was never sealed.

Bytewax 0.21 gives the first epoch after a resume the number of the one that was not sealed. For a key that
receives nothing in it, the crashed execution's snapshot stays, and the next resume takes it for a sealed one.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from bytewax.recovery import RecoveryConfig, init_db_dir

PARTITIONS: Final = 1
"""Each is a database of its own, which Bytewax syncs about ten times an epoch."""


def recovery_config(directory: Path, partitions: int = PARTITIONS) -> RecoveryConfig:
    """Return the configuration of the store in a directory, made if need be, without unsealed snapshots.

    The directory must hold the whole store, and no dataflow may be running on it. Bounded by Bytewax, which
    deletes the snapshots of an epoch once newer ones are sealed.
    """
    make_store(directory, partitions)
    drop_unsealed(directory)
    return RecoveryConfig(directory)


def part_name(number: int) -> str:
    """Return the name of the file of a part of the store."""
    return f"part-{number}.sqlite3"


def make_store(
    directory: Path, partitions: int = PARTITIONS, is_here: Callable[[int], bool] = lambda _part: True
) -> None:
    """Make an empty store of so many parts unless the directory is there; of these, those that are here."""
    if directory.exists():
        return
    new = directory.with_suffix(".new")
    new.mkdir(parents=True, exist_ok=True)
    for leftover in new.iterdir():
        leftover.unlink()
    init_db_dir(new, partitions)
    kept = {part_name(number) for number in range(partitions) if is_here(number)}
    for path in new.iterdir():
        if path.name not in kept:
            path.unlink()
    new.rename(directory)


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far executions came, by some parts of the store; which part holds what is Bytewax's choice.

    ``executions`` are number, processes, epoch of the start; ``frontiers`` execution, process, epoch reached.
    ``partitions`` is how many parts the whole store has, zero where none of it is here.
    """

    executions: tuple[tuple[int, int, int], ...]
    frontiers: tuple[tuple[int, int, int], ...]
    partitions: int = 0


def progress_of(directory: Path) -> Progress:
    """Return how far executions came, by the parts of the store that are in a directory."""
    paths = sorted(directory.glob("part-*.sqlite3"))
    executions = "SELECT ex_num, worker_count, resume_epoch FROM exs"
    frontiers = "SELECT ex_num, worker_index, worker_frontier FROM fronts"
    return Progress(
        tuple(row for path in paths for row in _rows(path, executions)),
        tuple(row for path in paths for row in _rows(path, frontiers)),
        max((row[0] for path in paths for row in _rows(path, "SELECT part_count FROM parts")), default=0),
    )


def drop_unsealed(directory: Path, epoch: int | None = None) -> int:
    """Delete the snapshots of ``epoch``, at which the next execution resumes, and later; return how many.

    Where the directory holds the whole store, it says the epoch itself.
    """
    if epoch is None:
        epoch = unsealed_epoch(directory)
    dropped = 0
    for path in sorted(directory.glob("part-*.sqlite3")):
        with closing(sqlite3.connect(path)) as store, store:
            dropped += store.execute("DELETE FROM snaps WHERE snap_epoch >= ?", (epoch,)).rowcount
    return dropped


def unsealed_epoch(directory: Path) -> int:
    """Return the first epoch that is not sealed, at which the next execution resumes; 0 before the first.

    The directory must hold the whole store.
    """
    return resume_epoch([progress_of(directory)])


def sealed_snapshots(directory: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield step, key and pickled snapshot of everything, as the next execution resumes with it."""
    epoch = unsealed_epoch(directory)
    for path in sorted(directory.glob("part-*.sqlite3")):
        with closing(sqlite3.connect(path)) as store:
            yield from store.execute(
                "SELECT step_id, state_key, ser_change FROM snaps AS one WHERE ser_change IS NOT NULL AND "
                "snap_epoch = (SELECT max(snap_epoch) FROM snaps WHERE step_id = one.step_id "
                "AND state_key = one.state_key AND snap_epoch < ?)",
                (epoch,),
            )


def resume_epoch(parts: Iterable[Progress]) -> int:
    """Return the epoch Bytewax will resume at: the least that a process of the last execution reached.

    ``parts`` must be of the whole store. It is 0 before the first execution.
    """
    parts = list(parts)
    executions = {each[0]: each[1:] for part in parts for each in part.executions}
    if not executions:
        return 0
    last = max(executions)
    processes, started = executions[last]
    reached = dict.fromkeys(range(processes), started)
    for part in parts:
        for execution, process, epoch in part.frontiers:
            if execution == last:
                reached[process] = max(reached[process], epoch)
    return min(reached.values())


def _rows(path: Path, query: str) -> Iterator[tuple[int, int, int]]:
    with closing(sqlite3.connect(path)) as store:
        yield from store.execute(query).fetchall()
