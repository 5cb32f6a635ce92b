"""One record as it was read, before anyone knows what it says."""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

Header = tuple[str, bytes | None]
"""The name and the value of a header; Kafka allows null values, and one name several times."""

TimestampType = Literal["NoTimestampType", "CreateTime", "LogAppendTime"]

UNREADABLE_HEADERS: Final[tuple[Header, ...]] = (("offerstream.unreadable", None),)
"""What stands for headers that the client cannot read, since one of their names is not UTF-8."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """The bytes of one record and where they came from.

    ``offset`` is the position in the partition (of a file: the row or line). ``timestamp_s`` is the broker's,
    in seconds since 1970; None for files. ``part`` is the position of what is one of several events in its
    message, None for a whole message.
    """

    value: bytes | None
    key: bytes | None = None
    headers: tuple[Header, ...] = ()
    topic: str = ""
    partition: int = 0
    offset: int = 0
    timestamp_s: float | None = None
    timestamp_type: TimestampType = "NoTimestampType"
    part: int | None = None


def place_of(message: Message) -> str:
    """Return where a message stood: topic/partition/offset, and the position of a part.

    >>> place_of(Message(b"{}", topic="shop.events", partition=3, offset=41, part=0))
    'shop.events/3/41/0'
    """
    place = f"{message.topic}/{message.partition}/{message.offset}"
    return place if message.part is None else f"{place}/{message.part}"


def first_header(headers: Iterable[Header], name: str) -> str | None:
    """Return the first header of a name as text; None where there is none, or it is null.

    >>> first_header([("ce_id", b"ours"), ("ce_id", b"the message's own")], "ce_id")
    'ours'
    """
    value = next((value for each, value in headers if each == name), None)
    return None if value is None else value.decode(errors="replace")
