"""Which databases a state directory must have: one that is gone is missed at start, not when it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from schemas.errors import StateError

NOTES_FILE: Final = "databases.json"
NEEDED: Final = ("ledger", "rows", "catalog", "seen")
"""Without one of these the worker would decide otherwise; without features it would only tell less."""
ROCKSDB: Final = "CURRENT"
"""A file that each RocksDB has."""


def databases(directory: Path) -> list[str]:
    """Return the databases that a state directory has, as paths in it."""
    return sorted(
        str(current.parent.relative_to(directory))
        for part in NEEDED
        for current in (directory / part).rglob(ROCKSDB)
    )


def check_noted(directory: Path) -> None:
    """Raise StateError for a database that was there at the last start or end, and is not."""
    with suppress(FileNotFoundError):
        noted = msgspec.json.decode((directory / NOTES_FILE).read_bytes(), type=list[str])
        if gone := [name for name in noted if not (directory / name / ROCKSDB).exists()]:
            raise StateError(
                f"the state directory {directory} is damaged: {', '.join(gone)} is gone; bring the directory "
                "back as a whole from a backup, or start with a new one"
            )


def note(directory: Path) -> None:
    """Note the databases that are there."""
    (directory / NOTES_FILE).write_bytes(msgspec.json.encode(databases(directory)))


@contextmanager
def noted_databases(directory: Path) -> Iterator[None]:
    """Check at the beginning of the block what was noted, and note what is there then and at its end."""
    check_noted(directory)
    note(directory)
    try:
        yield
    finally:
        with suppress(OSError):
            note(directory)
