"""Whether a state directory is sound: everything in it is read once, and nothing is changed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from flows.stores.rocksdb import count_checked
from flows.worker.noted_databases import ROCKSDB, check_noted
from flows.worker.state_dir import read_first_start
from schemas.errors import SetupError, StateError

PARTS: Final = ("ledger", "rows", "catalog", "seen", "features")
RECOVERY: Final = "recovery"
STORES: Final = "part-*.sqlite3"


class Finding(NamedTuple):
    """A part of a state directory, whether it is sound, and what was found."""

    part: str
    is_sound: bool
    says: str


def check_state(directory: Path) -> Iterator[Finding]:
    """Yield what is found of each part; a worker may be running. Reads all of it, once."""
    yield _start(directory)
    yield from _recovery(directory / RECOVERY)
    for part in PARTS:
        for current in sorted((directory / part).rglob(ROCKSDB)):
            yield _database(directory, current.parent)


def _start(directory: Path) -> Finding:
    try:
        first = read_first_start(directory)
        check_noted(directory)
    except (SetupError, StateError) as error:
        return Finding("start.json", is_sound=False, says=str(error))
    if first is None:
        return Finding("start.json", is_sound=False, says=f"{directory} holds no state of a worker")
    return Finding(
        "start.json", is_sound=True, says=f"state format {first.format}, {len(first.sources)} partitions"
    )


def _recovery(directory: Path) -> Iterator[Finding]:
    paths = sorted(directory.glob(STORES))
    if not paths:
        yield Finding(RECOVERY, is_sound=False, says="there are no snapshots: the whole of it is gone")
    for path in paths:
        part = f"{RECOVERY}/{path.name}"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
                (said,) = store.execute("PRAGMA integrity_check(1)").fetchone()
                (number,) = store.execute("SELECT count(*) FROM snaps").fetchone()
                (of,) = store.execute("SELECT max(part_count) FROM parts").fetchone() or (None,)
        except sqlite3.Error as error:
            yield Finding(part, is_sound=False, says=str(error))
            continue
        if said == "ok" and of is not None and of != len(paths):
            said = f"it is one of {of}, and {len(paths)} are there"
        yield Finding(part, said == "ok", f"{number:,} snapshots" if said == "ok" else said)


def _database(directory: Path, path: Path) -> Finding:
    part = str(path.relative_to(directory))
    try:
        number = count_checked(path)
    except Exception as error:  # noqa: BLE001 - rocksdict raises nothing more special
        return Finding(part, is_sound=False, says=str(error).strip().partition("\n")[0])
    return Finding(part, is_sound=True, says=f"{number:,} keys")
