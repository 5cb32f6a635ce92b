"""Input files in the order of event time: one that is not is sorted into a temporary file first.

A reader takes events in the order of its partition, and what comes after newer events is late. In a shop's
files the order often means nothing: rows by visitor, parts put together, the newest first.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from flows.files.event_times import TimeOf, time_reader
from flows.files.external_sort import MEMORY_BYTES, Record, SortedRecords, sorted_file
from flows.files.input_file import InputFile, examine, read_errors
from flows.observability.log_events import LogEvent, tell
from schemas.errors import SetupError

logger: Final = logging.getLogger(__name__)


class Disorder(NamedTuple):
    """The first record of a file that is older than one before it, by more than the lateness."""

    offset: int
    behind: timedelta


@contextmanager
def input_files(
    paths: Sequence[Path], form: str, *, lateness: timedelta, max_event_bytes: int
) -> Iterator[list[InputFile]]:
    """Yield what to read for these files of a format, each in the order of event time but for ``lateness``.

    Sorted copies last as long as the block. Raises SetupError and DataError as ``examine`` does, and
    SetupError where there is no room to sort.
    """
    files = [examine(path, form) for path in paths]
    with ExitStack() as opened:
        yield [_in_order(file, time_reader(file, form, max_event_bytes), lateness, opened) for file in files]


def _in_order(file: InputFile, time_of: TimeOf, lateness: timedelta, opened: ExitStack) -> InputFile:
    disorder = first_disorder(file, time_of, lateness)
    if disorder is None:
        return file
    tell(
        logger,
        LogEvent.INPUT_SORTED,
        path=str(file.path),
        offset=disorder.offset,
        behind=str(disorder.behind),
    )
    try:
        directory = opened.enter_context(tempfile.TemporaryDirectory(prefix="offerstream-sort-"))
        return sorted_copy(file, time_of, Path(directory))
    except OSError as error:
        raise SetupError(
            f"TMPDIR must be a directory with room for a sorted copy of {file.path}; got: {error.strerror}"
        ) from None


def first_disorder(file: InputFile, time_of: TimeOf, lateness: timedelta) -> Disorder | None:
    """Return the first record that is late, None for a file in order."""
    newest: datetime | None = None
    for offset, at, _ in _timed(file, time_of):
        if at is None:
            continue
        if newest is None or at >= newest:
            newest = at
        elif newest - at > lateness:
            return Disorder(offset, newest - at)
    return None


def sorted_copy(
    file: InputFile, time_of: TimeOf, directory: Path, *, memory_bytes: int = MEMORY_BYTES
) -> InputFile:
    """Return a copy in the order of time, in an empty directory; equal times stay in the order of the file.

    A record without a time stays behind the one before it.
    """
    path = sorted_file(_records(file, time_of), directory, memory_bytes=memory_bytes)
    return file._replace(path=path, is_gzip=False, records=SortedRecords, first_offset=0, first_position=0)


def _records(file: InputFile, time_of: TimeOf) -> Iterator[Record]:
    at_s = float("-inf")
    for offset, at, value in _timed(file, time_of):
        at_s = at_s if at is None else at.timestamp()
        yield at_s, offset, value


def _timed(file: InputFile, time_of: TimeOf) -> Iterator[tuple[int, datetime | None, bytes]]:
    raw, unpacked = file.open()
    with raw, read_errors(file.path):
        unpacked.seek(file.first_position)
        for offset, value in file.records(unpacked, file.first_offset, file.first_position):
            yield offset, time_of(value), value
