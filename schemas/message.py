"""One record as it was read, before anyone knows what it says."""

from typing import NamedTuple


class Message(NamedTuple):
    """The bytes of one record and where they came from.

    ``offset`` is the position in the partition (of a file: the row or line). ``timestamp_s`` is the broker's,
    in seconds since 1970; None for files.
    """

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    topic: str = ""
    partition: int = 0
    offset: int = 0
    timestamp_s: float | None = None
