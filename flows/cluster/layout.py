"""Whose state a directory holds, where each process has a disk of its own."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from flows.files.durable import replace_file
from schemas.errors import SetupError

LAYOUT_FILE: Final = "layout.json"
ALL: Final = -1
MOVING: Final = 0


class Layout(msgspec.Struct, frozen=True):
    """The process whose state it is (``ALL``: of all of them), of how many (``MOVING``: it is being moved).

    ``id`` is the same on all disks of one layout.
    """

    process: int
    of: int
    id: str


def read_layout(directory: Path) -> Layout | None:
    """Return the layout of a directory, None where it was never one of several; SetupError if unreadable."""
    path = directory / LAYOUT_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Layout)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise SetupError(f"{path} must be what an earlier start wrote; got: {error}") from error


def write_layout(directory: Path, layout: Layout) -> None:
    """Write down whose state a directory holds from now on."""
    replace_file(directory / LAYOUT_FILE, msgspec.json.encode(layout))


def check_whole(directory: Path) -> None:
    """Raise SetupError where a directory holds the state of one of several processes only."""
    layout = read_layout(directory)
    if layout is not None and layout.of != 1:
        raise SetupError(
            f"the state directory {directory} has a part of the state, {_in_words(layout)}; "
            "`offerstream state move` gathers all of it"
        )


def check_layouts(layouts: Iterable[tuple[int, Layout | None]], processes: int) -> None:
    """Raise SetupError unless each process has the disk that it had when there were as many of them."""
    ids = set()
    for process, layout in layouts:
        if layout is None or (layout.process, layout.of) != (process, processes):
            raise SetupError(
                f"the disk of process {process} of {processes} has the state {_in_words(layout)}; "
                "`offerstream state move` moves it"
            )
        ids.add(layout.id)
    if len(ids) > 1:
        raise SetupError("the disks of the processes are not of one worker, or of different moves")


def _in_words(layout: Layout | None) -> str:
    if layout is None:
        return "of a worker that never had several disks, or none"
    if layout.of == MOVING:
        return "of a move that was not completed"
    return f"of process {layout.process} of {layout.of}"
