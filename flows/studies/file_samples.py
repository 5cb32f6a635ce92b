"""The first records of files as messages, and which format these are in."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final

from flows.files.input_file import InputFile, examine, read_errors
from flows.settings import Settings
from schemas.adapters.guessing import Fit, fit_of, tried
from schemas.errors import DataError
from schemas.message import Message

SAMPLE: Final = 300
"""So many records of a file tell its format."""


def file_messages(file: InputFile, partition: int = 0) -> Iterator[Message]:
    """Yield the records of a file in its order, as a replay reads one that is in the order of time."""
    raw, unpacked = file.open()
    with raw, read_errors(file.path):
        unpacked.seek(file.first_position)
        for offset, value in file.records(unpacked, file.first_offset, file.first_position):
            yield Message(value, None, file.headers, file.name, partition, offset)


def fits_of_files(paths: Sequence[Path], form: str | None, settings: Settings) -> dict[str, Fit]:
    """Return how well each format, this one among them, fits the first records of each file, taken together.

    A format that cannot be written like one of the files is left out, and so is every format where a file is
    broken. Raises SetupError where one cannot be read.
    """
    fits = {}
    for each in tried(form):
        try:
            files = [examine(path, each) for path in paths]
            some = chain.from_iterable(islice(file_messages(file), SAMPLE) for file in files)
            fits[each] = fit_of(each, some, settings.max_event_bytes, settings.format_options)
        except DataError:
            continue
    return fits
