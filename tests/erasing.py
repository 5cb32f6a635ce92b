"""Where an id stands: in the bytes of files, and in what databases hold, whatever way they compress it."""

import pickle
import sqlite3
from contextlib import closing, suppress

from rocksdict import AccessType, Options, Rdict


def files_with(directory, *ids):
    """The files of a directory with one of the ids in their bytes, and the databases with one in a row."""
    wanted = [each.encode() for each in ids]
    found = [
        str(path.relative_to(directory))
        for path in sorted(directory.rglob("*"))
        if path.is_file() and any(each in path.read_bytes() for each in wanted)
    ]
    return found + [
        f"{name}: {row[:200]!r}"
        for name, row in (*rocksdb_rows(directory), *snapshots(directory))
        if any(each in row for each in wanted)
    ]


def rocksdb_rows(directory):
    """Key and value of everything in the databases of a directory, decompressed."""
    for current in sorted(directory.rglob("CURRENT")):
        options = Options(raw_mode=True)
        options.create_if_missing(False)
        database = Rdict(str(current.parent), options, access_type=AccessType.read_only())
        with closing(database):
            for key, value in database.items():
                yield str(current.parent.relative_to(directory)), key + b" = " + value


def snapshots(directory):
    """What Bytewax's recovery store has of each step."""
    for path in sorted(directory.rglob("part-*.sqlite3")):
        with closing(sqlite3.connect(path)) as store, suppress(sqlite3.OperationalError):
            for step, epoch, change in store.execute("SELECT step_id, snap_epoch, ser_change FROM snaps"):
                if change is not None:
                    plain = pickle.loads(change)
                    yield (
                        f"{path.name} {step} {epoch}",
                        plain if isinstance(plain, bytes) else repr(plain).encode(),
                    )
