"""A disk that fails ends the worker in one line that says what to do."""

import errno
import sqlite3

import pytest

from flows.worker.disk_watch import DiskWatch, check_free
from flows.worker.shutdown import Shutdown
from flows.worker.state_failures import state_error
from schemas.errors import StateError


def test_a_disk_without_the_least_room_is_full(tmp_path):
    check_free(tmp_path, 100, lambda _: 100)
    with pytest.raises(
        StateError, match=r"is full: 1,000 bytes are free, at least 2,000 must be .*nothing is lost$"
    ):
        check_free(tmp_path, 2_000, lambda _: 1_000)


def test_a_disk_is_told_before_it_is_full_and_then_ends_the_worker(tmp_path):
    free, shutdown = [5_000], Shutdown()
    watch = DiskWatch(tmp_path, 1_000, shutdown, lambda _: free[0])
    watch.look()
    assert shutdown.failure is None
    assert watch.reasons() == {
        "disk": "the disk of the state is nearly full: 5,000 bytes are free, at 1,000 the worker ends"
    }
    free[0] = 10_000
    watch.look()
    assert watch.reasons() == {}
    free[0] = 999
    watch.look()
    assert isinstance(shutdown.failure, StateError)


def test_a_directory_that_cannot_be_looked_at_ends_the_worker(tmp_path):
    shutdown = Shutdown()
    DiskWatch(tmp_path / "gone", 1_000, shutdown).look()
    assert "cannot be read: No such file or directory" in str(shutdown.failure)


SAID = {
    "its disk is full": [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        Exception("IO error: No space left on device: While appending to file: STATE/ledger/de/000012.log"),
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError('called `Result::unwrap()`: SqliteFailure(Error, Some("database or disk is full"))'),
    ],
    "it cannot be written": [
        OSError(errno.EROFS, "Read-only file system"),
        sqlite3.OperationalError("attempt to write a readonly database"),
    ],
    "too many files are open": [
        OSError(errno.EMFILE, "Too many open files"),
        Exception("IO error: While open a file: STATE/seen/a/LOCK: Too many open files"),
    ],
    "it is damaged": [
        Exception("Corruption: block checksum mismatch: stored = 1, computed = 2"),
        sqlite3.DatabaseError("database disk image is malformed"),
    ],
    "its disk fails": [
        RuntimeError('SqliteFailure(Error { code: SystemIoFailure }, Some("disk I/O error"))'),
        OSError(errno.EIO, "Input/output error"),
    ],
}


@pytest.mark.parametrize(
    ("means", "error"), [(means, error) for means, all_ in SAID.items() for error in all_]
)
def test_what_storage_says_is_put_into_words(tmp_path, means, error):
    error.args = tuple(
        each.replace("STATE", str(tmp_path)) if isinstance(each, str) else each for each in error.args
    )
    outer = RuntimeError("error calling `next_batch`")
    outer.__cause__ = error
    found = state_error(outer, tmp_path)
    assert str(found).startswith(f"the state directory {tmp_path}: {means}")
    assert found.exit_code == 74


@pytest.mark.parametrize(
    "error",
    [
        ValueError("corruption of another kind"),
        KeyError("no such file or directory"),
        ConnectionError("Broken pipe"),
        Exception("permission denied by somebody else"),
    ],
)
def test_a_defect_is_no_failure_of_the_disk(tmp_path, error):
    assert state_error(error, tmp_path) is None
