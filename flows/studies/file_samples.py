"""The first records of files as messages, and which format these are in."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final

from flows.files.input_file import InputFile, examine, read_errors
from schemas.adapters import SELF_DESCRIBED
from schemas.adapters.guessing import Fit, fit_of
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


def fits_of_files(paths: Sequence[Path], max_event_bytes: int) -> dict[str, Fit]:
    """Return how well each format fits the first records of each file, all of them together.

    A format that cannot be written like one of the files is left out, and so is every format where a file is
    broken. Raises SetupError where one cannot be read.
    """
    fits = {}
    for form in SELF_DESCRIBED:
        try:
            files = [examine(path, form) for path in paths]
            some = chain.from_iterable(islice(file_messages(file), SAMPLE) for file in files)
            fits[form] = fit_of(form, some, max_event_bytes)
        except DataError:
            continue
    return fits
