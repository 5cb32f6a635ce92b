"""The headers of a rejected record: the message's own, then ours, then those that standard tools read.

The own headers stay under their own names, in their order, with their null values and duplicates. Ours begin
with ``offerstream.``. An own header may have the name of one of ours, so ours come last, where most clients
look, and ``offerstream.headers`` says how many own ones stand before them.
"""

import struct
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from schemas.message import Header, Message

PREFIX: Final = "offerstream."
CLASS: Final = f"{PREFIX}class"
"""The first of ours."""

COUNT: Final = f"{PREFIX}headers"
COUNT_DIGITS: Final = 9
STACK_CHARS: Final = 4000
NO_TIMESTAMP_MS: Final = -1
INT64: Final = 2**63


class Headers(NamedTuple):
    """The headers of a rejected record: the message's own, those behind them, and those before them."""

    own: tuple[Header, ...]
    added: tuple[Header, ...]
    before: tuple[Header, ...] = ()

    def ours(self) -> dict[str, bytes]:
        """Return our headers by their names without the prefix."""
        ours = (each for each in self.added if each[0].startswith(PREFIX))
        return {name.removeprefix(PREFIX): value for name, value in ours if value is not None}

    def all(self) -> tuple[Header, ...]:
        """Return them as the record has them."""
        return (*self.before, *self.own, *self.added)

    def replaced(self, own: Iterable[Header], **ours: str) -> "Headers":
        """Return them with other own ones, and with these of ours changed or new."""
        own = tuple(own)
        texts = {PREFIX + name: value.encode() for name, value in ours.items()} | {COUNT: b"%d" % len(own)}
        kept = (each for each in self.added if each[0] not in texts)
        return Headers(own, (*kept, *texts.items()), self.before)


def dead_letter_headers(message: Message, class_: str, reason: str, cause: BaseException | None) -> Headers:
    """Return the headers of a rejected message; `cause` is the error of our own that led to it, if any."""
    place = {"topic": message.topic, "partition": str(message.partition), "offset": str(message.offset)}
    ours = {"class": class_, "reason": reason, **place}
    if (timestamp := _rfc3339(message.timestamp_s)) is not None:
        ours["timestamp"] = timestamp
    ours["headers"] = str(len(message.headers))
    stack = "" if cause is None else "".join(traceback.format_exception(cause))[-STACK_CHARS:]
    text = {
        **{PREFIX + name: value for name, value in ours.items()},
        **_of_kafka_streams(f"{PREFIX}{class_}", reason, place, stack),
        **_of_spring(f"{PREFIX}{class_}", reason, message, stack),
    }
    added = ((name, value.encode(errors="replace")) for name, value in text.items())
    return Headers(message.headers, (*added, *_numbers_of_spring(message)))


def split_headers(headers: tuple[Header, ...]) -> Headers | None:
    """Return the headers of a rejected record apart, None where they are not those of one.

    What a mirror put before or behind all of them is not taken for the message's own.
    """
    names = [name for name, _ in headers]
    count = next((value for name, value in reversed(headers) if name == COUNT), None)
    if CLASS not in names or count is None or not count.isdigit() or len(count) > COUNT_DIGITS:
        return None
    at = len(names) - 1 - names[::-1].index(CLASS)
    start = at - int(count)
    return None if start < 0 else Headers(headers[start:at], headers[at:], headers[:start])


def class_and_reason(headers: tuple[Header, ...]) -> tuple[str, str]:
    """Return the class and the reason of a rejected record, ``unknown`` where its headers do not say them."""
    parts = split_headers(headers)
    ours = {} if parts is None else parts.ours()
    return ours.get("class", b"unknown").decode(), ours.get("reason", b"unknown").decode()


def _of_kafka_streams(exception: str, reason: str, place: dict[str, str], stack: str) -> dict[str, str]:
    """Return what Kafka Streams writes beside a dead letter (KIP-1034), all of it text."""
    found = {"exception": exception, "message": reason, **({"stacktrace": stack} if stack else {}), **place}
    return {f"__streams.errors.{name}": value for name, value in found.items()}


def _of_spring(exception: str, reason: str, message: Message, stack: str) -> dict[str, str]:
    """Return what Spring for Apache Kafka writes beside a dead letter, as far as it is text."""
    found = {
        "original-topic": message.topic,
        "original-timestamp-type": message.timestamp_type,
        "exception-fqcn": exception,
        "exception-message": reason,
        **({"exception-stacktrace": stack} if stack else {}),
    }
    return {f"kafka_dlt-{name}": value for name, value in found.items()}


def _numbers_of_spring(message: Message) -> tuple[Header, ...]:
    """Return Spring's numbers, big-endian as Java writes them."""
    return (
        ("kafka_dlt-original-partition", struct.pack(">i", message.partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", message.offset)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", _milliseconds(message.timestamp_s))),
    )


def _milliseconds(at_s: float | None) -> int:
    if at_s is None or not -INT64 < at_s * 1000 < INT64:  # false for what is not a number, too
        return NO_TIMESTAMP_MS
    return round(at_s * 1000)


def _rfc3339(at_s: float | None) -> str | None:
    if at_s is None:
        return None
    try:
        at = datetime.fromtimestamp(at_s, UTC)
    except (ValueError, OverflowError, OSError):  # a producer may claim any 64-bit number
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
