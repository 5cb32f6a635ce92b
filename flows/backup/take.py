"""A backup: a copy of a state directory as of one sealed epoch, of a worker that may be running."""

import fcntl
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from flows.backup import request as asked
from flows.backup.copy_of_state import (
    FORMAT,
    Manifest,
    check_together,
    files_of,
    write_manifest,
)
from flows.backup.request import Answer, Request
from flows.cluster.layout import check_whole
from flows.files.unfinished import ASIDE
from flows.stores.bytewax_recovery import unsealed_epoch
from flows.stores.file_copies import copy_closed, copy_sqlite_files, is_database, link_or_copy
from flows.worker.state_dir import (
    PRIVATE,
    RELEARNED,
    START_FILE,
    StateInUseError,
    locked_state_dir,
    read_first_start,
)
from schemas.errors import SetupError

ASK_EVERY_S: Final = 0.05
TRIES: Final = 3
"""So often the worker is asked, where it opens a database after it has copied those that were open."""
PLAIN: Final = (START_FILE, RELEARNED)
"""What else belongs to a state: files that no worker changes while it runs."""


class BackedUp(NamedTuple):
    """What was copied: the first epoch that is not in it, the bytes of all files, of which so many are links.

    ``by`` is how many processes of a worker have copied what they had open, zero where none was running.
    """

    epoch: int
    size: int
    linked: int
    files: int
    by: int
    seconds: float


def back_up(state: Path, to: Path, wait_s: float = 30.0) -> BackedUp:
    """Copy a state directory into a new directory, which is complete once ``backup.json`` stands in it.

    Where a worker has the state, its processes copy what they have open, within ``wait_s``. Raises SetupError
    where there is no state or a part of one, where the target is not empty, and where no worker answers.
    """
    began_s = time.monotonic()
    first = read_first_start(state)
    if first is None:
        raise SetupError(f"--state must be a directory that the worker wrote; got {str(state)!r}")
    check_whole(state)
    _make_target(to)
    aside = to.resolve() / ASIDE
    try:
        with _one_at_a_time(state):
            try:
                with locked_state_dir(state):
                    by = 0
                    copy_sqlite_files(state / "recovery", aside / "recovery")
                    _copy_rest(state, aside)
            except StateInUseError:
                by = _copy_with_worker(state, aside, wait_s)
        check_together(aside)
        for path in aside.iterdir():
            path.rename(to / path.name)
        aside.rmdir()
    except OSError as error:
        raise SetupError(f"the copy in {to} has failed: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    files = files_of(to)
    epoch = unsealed_epoch(to / "recovery")
    write_manifest(
        to,
        Manifest(
            format=FORMAT,
            state_format=first.format,
            version=version("offerstream"),
            made_at_s=time.time(),
            epoch=epoch,
            files=files,
        ),
    )
    linked = sum(size for name, size in files.items() if (to / name).stat().st_nlink > 1)
    return BackedUp(epoch, sum(files.values()), linked, len(files), by, time.monotonic() - began_s)


def _make_target(to: Path) -> None:
    try:
        to.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        reason = "files in it" if any(path.name != ASIDE for path in to.iterdir()) else None
        shutil.rmtree(to / ASIDE, ignore_errors=True)
        (to / ASIDE).mkdir(mode=PRIVATE)
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise SetupError(f"DIR must be new or empty; got {str(to)!r}: {reason}")


@contextmanager
def _one_at_a_time(state: Path) -> Iterator[None]:
    with (state / asked.LOCK_FILE).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(f"another backup of {state} is being made") from None
        yield


def _copy_with_worker(state: Path, to: Path, wait_s: float) -> int:
    """Copy a state together with the worker that has it; return how many processes that has."""
    for tries_left in reversed(range(TRIES)):
        by = _copy_opened(state, to, wait_s)
        try:
            _copy_rest(state, to)
        except BlockingIOError as error:
            if not tries_left:
                raise SetupError(f"{error} was opened again and again; make the backup later") from None
            shutil.rmtree(to)
            to.mkdir(mode=PRIVATE)
        else:
            break
    return by


def _copy_opened(state: Path, to: Path, wait_s: float) -> int:
    """Let a worker copy what it has open, and the recovery store meanwhile; return its processes."""
    name = uuid.uuid4().hex
    try:
        asked.ask(state, Request(name, "hold", str(to)))
        held = _answers(state, name, "held", wait_s)
        try:
            copy_sqlite_files(state / "recovery", to / "recovery")
        except TimeoutError as error:
            raise SetupError(f"{error}: make the epochs longer (`epoch`), or try again") from None
        asked.ask(state, Request(name, "copy", str(to)))
        _answers(state, name, "copied", max(wait_s, 30.0))
    finally:
        asked.forget(state)
    return len(held)


def _answers(state: Path, name: str, did: str, wait_s: float) -> dict[int, Answer]:
    """Return what all processes of the worker have answered; SetupError where they do not, or have failed."""
    deadline_s = time.monotonic() + wait_s
    while True:
        found = asked.read_answers(state, name)
        for each in found.values():
            if each.did == "failed":
                raise SetupError(
                    f"process {each.process} of the worker could not make the copy: {each.words}"
                )
        done = {number: each for number, each in found.items() if each.did == did}
        if done and len(done) == next(iter(done.values())).processes:
            return done
        if time.monotonic() > deadline_s:
            raise SetupError(_no_answer(state, found, wait_s))
        time.sleep(ASK_EVERY_S)


def _no_answer(state: Path, found: dict[int, Answer], wait_s: float) -> str:
    if not found:
        return (
            f"a process holds {state}, but no worker has answered within {wait_s:.0f} s: it is of an earlier "
            "version, is just starting, or hangs; stop it and make the backup then"
        )
    processes = next(iter(found.values())).processes
    missing = ", ".join(str(number) for number in range(processes) if number not in found)
    return f"of {processes} processes of the worker, {missing or 'some'} did not answer within {wait_s:.0f} s"


def _copy_rest(state: Path, to: Path) -> None:
    """Copy the databases that no process has open, and what else belongs to a state.

    BlockingIOError where one was opened meanwhile.
    """
    names = (*asked.CONSISTENT, *asked.AHEAD)
    for directory in (path for name in names for path in sorted((state / name).glob("*"))):
        copy = to / directory.relative_to(state)
        if is_database(directory) and not copy.exists():
            copy_closed(directory, copy)
    for name in PLAIN:
        path = state / name
        if path.is_dir():
            shutil.copytree(path, to / name)
        elif path.exists():
            link_or_copy(path, to / name, never_changes=False)
