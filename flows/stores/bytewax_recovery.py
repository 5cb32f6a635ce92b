"""Bytewax's recovery store, without what a crashed execution left in it of an epoch that was never sealed.

Bytewax 0.21 gives the first epoch after a resume the number of the one that was not sealed. For a key that
receives nothing in it, the crashed execution's snapshot stays, and the next resume takes it for a sealed one.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from bytewax.recovery import RecoveryConfig, init_db_dir

PARTITIONS: Final = 1
"""Each is a database of its own, which Bytewax syncs about ten times an epoch."""


def recovery_config(directory: Path, partitions: int = PARTITIONS) -> RecoveryConfig:
    """Return the configuration of the store in a directory, made if need be, without unsealed snapshots.

    The directory must hold the whole store, and no dataflow may be running on it. Bounded by Bytewax, which
    deletes the snapshots of an epoch once newer ones are sealed.
    """
    if not directory.exists():
        new = directory.with_suffix(".new")
        new.mkdir(parents=True, exist_ok=True)
        for leftover in new.iterdir():
            leftover.unlink()
        init_db_dir(new, partitions)
        new.rename(directory)
    drop_unsealed(directory)
    return RecoveryConfig(directory)


def drop_unsealed(directory: Path) -> int:
    """Delete the snapshots of epochs that no execution sealed; return how many."""
    paths = sorted(directory.glob("part-*.sqlite3"))
    epoch = _resume_epoch(paths)
    dropped = 0
    for path in paths:
        with closing(sqlite3.connect(path)) as store, store:
            dropped += store.execute("DELETE FROM snaps WHERE snap_epoch >= ?", (epoch,)).rowcount
    return dropped


def unsealed_epoch(directory: Path) -> int:
    """Return the first epoch that is not sealed, at which the next execution resumes; 0 before the first."""
    return _resume_epoch(sorted(directory.glob("part-*.sqlite3")))


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


def _resume_epoch(paths: Iterable[Path]) -> int:
    """Return the epoch Bytewax will resume at: the least that a worker of the last execution reached."""
    executions: dict[int, dict[int, int]] = {}
    reached: list[tuple[int, int, int]] = []
    for path in paths:
        started = _rows(path, "SELECT ex_num, worker_count, resume_epoch FROM exs")
        executions |= {number: dict.fromkeys(range(workers), epoch) for number, workers, epoch in started}
        reached += _rows(path, "SELECT ex_num, worker_index, worker_frontier FROM fronts")
    if not executions:
        return 0
    last = max(executions)
    frontiers = executions[last]
    for execution, worker, epoch in reached:
        if execution == last:
            frontiers[worker] = max(frontiers[worker], epoch)
    return min(frontiers.values())


def _rows(path: Path, query: str) -> Iterator[tuple[int, int, int]]:
    with closing(sqlite3.connect(path)) as store:
        yield from store.execute(query).fetchall()
