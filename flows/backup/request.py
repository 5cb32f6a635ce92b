"""What a backup asks a running worker for, and what its processes answer, in files of the state directory.

Whoever may write the state directory may ask. Each process of the worker answers in a file of its own.
"""

from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec

T = TypeVar("T")

REQUEST_FILE: Final = "backup-request.json"
ANSWER_FILES: Final = "backup-answer-{}.json"
LOCK_FILE: Final = "backup-lock"
CONSISTENT: Final = ("ledger", "rows")
"""The databases that belong to the snapshots: they are copied while no epoch begins to be sealed."""
AHEAD: Final = ("catalog", "features", "seen")
"""Those that may know more than the snapshots: what they know is read again."""


class Request(msgspec.Struct, frozen=True):
    """What is asked for: to hold seals back, then to copy what the process has open into a directory."""

    id: str
    phase: Literal["hold", "copy"]
    to: str


class Answer(msgspec.Struct, frozen=True):
    """What one process has done for a request; ``words`` say why it has failed."""

    id: str
    did: Literal["held", "copied", "failed"]
    process: int
    processes: int
    copied: tuple[str, ...] = ()
    words: str = ""


def read_request(state: Path) -> Request | None:
    """Return what is asked for, None where nothing is."""
    return _read(state / REQUEST_FILE, Request)


def read_answers(state: Path, request_id: str) -> dict[int, Answer]:
    """Return the answers to a request by process."""
    found = (_read(path, Answer) for path in sorted(state.glob(ANSWER_FILES.format("*"))))
    return {each.process: each for each in found if each is not None and each.id == request_id}


def ask(state: Path, request: Request) -> None:
    """Ask."""
    _write(state / REQUEST_FILE, request)


def answer(state: Path, what: Answer) -> None:
    """Answer."""
    _write(state / ANSWER_FILES.format(what.process), what)


def forget(state: Path, process: int | None = None) -> None:
    """Remove the request and the answers, or the answer of one process alone."""
    names = "*" if process is None else process
    for path in [state / REQUEST_FILE, *state.glob(ANSWER_FILES.format(names))]:
        path.unlink(missing_ok=True)


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _write(path: Path, what: msgspec.Struct) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(what))
    new.replace(path)
