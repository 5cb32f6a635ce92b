"""The lines of a file that a replay, an export or a backtest wrote, as records of one kind."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.errors import DataError

R = TypeVar("R")


def read_records(
    path: Path, decode: Callable[[bytes], R], check: Callable[[R], None] | None = None
) -> Iterator[R]:
    """Return the records of a file one by one.

    Raises DataError where the file cannot be read, and with the number of a line that ``decode`` or ``check``
    refuses by a ValueError.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    record = decode(line)
                    if check is not None:
                        check(record)
                except (msgspec.MsgspecError, ValueError, OverflowError) as error:
                    raise DataError(
                        f"{path}, line {number} must be a record as this version writes it; got: {error}"
                    ) from None
                yield record
    except OSError as error:
        raise DataError(f"{path} must be a file that replay or export wrote; got: {error.strerror}") from None
