"""The lines of a file that a replay or an export wrote, as records of one kind."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.errors import SetupError

T = TypeVar("T")


def logged_lines(path: Path, kind: type[T], wrong: Callable[[int, Exception], str]) -> Iterator[T]:
    """Return the records one by one.

    Raises SetupError where the file cannot be read, and with what ``wrong`` says of the number of a line that
    is no such record and of why.
    """
    decode = msgspec.json.Decoder(kind).decode
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise SetupError(wrong(number, error)) from None
    except OSError as error:
        raise SetupError(
            f"{path} must be a file that replay or export wrote; got: {error.strerror}"
        ) from None
