"""What an input file is, found in its first bytes: packed or not, lines, other JSON or CSV, from where."""

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Protocol, cast

import orjson

from flows.files.json_elements import MAX_ELEMENT_BYTES, EndlessElementError, JsonElements, end_of_element
from flows.files.signatures import described, known_format
from flows.files.text_lines import BOM, CsvRows, Lines
from schemas.adapters import CSV_FORMATS, CSV_HEADER, TSV_FORMATS
from schemas.errors import DataError, SetupError

HEAD_BYTES: Final = 1 << 20
"""So much of a file is looked at; a first element that is longer is taken for a line."""

_GZIP: Final = b"\x1f\x8b"
_EXCEL_HINT: Final = re.compile(rb'"?sep=.?"?', re.IGNORECASE)
_ARRAY: Final = re.compile(rb"\x1e|\[\s*[\[{\]]")
_BLANK: Final = BOM + b" \t\r\n"


class Records(Protocol):
    """The records of a file in their order, each with its number, from a position on.

    ``position`` is how many bytes of the file the records so far take, ``offset`` the number of the next one.
    """

    position: int
    offset: int

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number of a record and its bytes."""


class InputFile(NamedTuple):
    """A file and how to read it. ``name`` is the topic of its messages, ``headers`` are theirs."""

    path: Path
    name: str
    is_gzip: bool
    records: Callable[[BinaryIO, int, int], Records]
    first_offset: int = 0
    first_position: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()

    def open(self) -> tuple[BinaryIO, BinaryIO]:
        """Return the file open as it is, and unpacked."""
        raw = self.path.open("rb")
        return raw, cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if self.is_gzip else raw


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Raise a DataError that names the file for what is wrong with its contents."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} must be gzip from end to end; got: {error}") from None
    except EndlessElementError as error:
        raise DataError(
            f"{path} must be JSON whose objects end within {MAX_ELEMENT_BYTES >> 20} MB; got: {error}"
        ) from None


def examine(path: Path, form: str = "native") -> InputFile:
    """Return how to read a file of a format.

    Raises SetupError where it is no readable file, DataError where it is not what the format is written in.
    """
    if not (path.is_file() and os.access(path, os.R_OK)):
        raise SetupError(f"the input must be a file that can be read; got {str(path)!r}")
    with path.open("rb") as packed:
        is_gzip = packed.read(len(_GZIP)) == _GZIP or path.suffix == ".gz"
    file = InputFile(path, path.name, is_gzip, Lines)
    raw, unpacked = file.open()
    with raw, read_errors(path):
        head = unpacked.read(HEAD_BYTES)
    if (name := known_format(head)) is not None:
        raise _unreadable(path, form, name)
    if next(iter(Lines(BytesIO(head))), None) is None:
        return file
    return _csv(file, form, head) if form in CSV_FORMATS else _json(file, form, head)


def _unreadable(path: Path, form: str, name: str) -> DataError:
    wanted = "CSV" if form in CSV_FORMATS else "JSON"
    if form in TSV_FORMATS:
        wanted = "JSON or tab-separated values"
    return DataError(
        f"{path} must be {wanted} in UTF-8, plain or gzip, for the format {form}; it looks like {name}"
    )


def _csv(file: InputFile, form: str, head: bytes) -> InputFile:
    """Return how to read CSV, whose header is in its first line that is not blank, or missing."""
    lines, begins_at = Lines(BytesIO(head)), (0, 0)
    for _, line in lines:
        if not _EXCEL_HINT.fullmatch(line):
            break
        begins_at = (lines.offset, lines.position)
    looks_like = described(head)
    if looks_like in ("JSON", "HTML", "XML"):
        raise _unreadable(file.path, form, looks_like)
    try:
        header = CSV_FORMATS[form](line)
    except DataError as error:
        if looks_like == "binary data":
            raise _unreadable(file.path, form, looks_like) from None
        raise DataError(f"{file.path}: {error}") from None
    if header.is_line:
        begins_at = (lines.offset, lines.position)
    return file._replace(
        records=partial(CsvRows, delimiter=header.delimiter),
        first_offset=begins_at[0],
        first_position=begins_at[1],
        headers=((CSV_HEADER, header.text),),
    )


def _json(file: InputFile, form: str, head: bytes) -> InputFile:
    """Return how to read JSON: as lines, unless it begins as an array or with an object that is no line.

    Where a format may also be tab-separated, its lines are read as they are.
    """
    text = head.lstrip(_BLANK)
    if _ARRAY.match(text):
        return file._replace(records=JsonElements)
    if text.startswith(b"{"):
        end = end_of_element(text, 0)
        is_line = _is_json(_first_line(text)) or end is None or not _is_json(text[:end])
        return file if is_line else file._replace(records=JsonElements)
    if any(line.lstrip().startswith(b"{") for _, line in Lines(BytesIO(head))):
        return file
    if form in TSV_FORMATS and _columns(head) == TSV_FORMATS[form]:
        return file
    raise _unreadable(file.path, form, _described_for_json(head, text))


def _described_for_json(head: bytes, text: bytes) -> str:
    if _is_json(_first_line(text)) or _is_json(text):
        return "JSON without objects"
    name = described(head)
    if name == "JSON":
        return "plain text"
    return _which_csv(text) if name == "CSV" else name


def _which_csv(text: bytes) -> str:
    for form, header_of in CSV_FORMATS.items():
        with suppress(DataError):
            if header_of(_first_line(text)).is_line:
                return f"CSV of the format {form}"
    return "CSV"


def _first_line(text: bytes) -> bytes:
    return text.splitlines()[0]


def _columns(head: bytes) -> int:
    """Return how many tab-separated columns the first line has that is not blank."""
    return next(line for _, line in Lines(BytesIO(head))).count(b"\t") + 1


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True
