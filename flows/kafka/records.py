"""Records as the client gives them, with the types that hold for every record we read or write."""

from typing import Final, Protocol, cast

from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
)

from schemas.message import UNREADABLE_HEADERS, Header, Message, TimestampType

END_OF_PARTITION: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own errors are spelled so
OFFSET_OUT_OF_RANGE: Final = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - the same
UNREADABLE: Final = frozenset(
    {
        KafkaError._BAD_MSG,  # noqa: SLF001 - the same
        KafkaError._BAD_COMPRESSION,  # noqa: SLF001 - the same
        KafkaError._NOT_IMPLEMENTED,  # noqa: SLF001 - the same
        KafkaError._FATAL,  # noqa: SLF001 - the same
    }
)
"""After these errors the client would skip records."""

TIMESTAMP_TYPES: Final[dict[int, TimestampType]] = {
    TIMESTAMP_NOT_AVAILABLE: "NoTimestampType",
    TIMESTAMP_CREATE_TIME: "CreateTime",
    TIMESTAMP_LOG_APPEND_TIME: "LogAppendTime",
}
"""The kinds of timestamps as Java's clients name them."""


class KafkaRecord(Protocol):
    """A confluent_kafka.Message that has a topic, a partition and an offset."""

    def value(self) -> bytes | None:
        """The value, None for a tombstone."""

    def key(self) -> bytes | None:
        """The key, None for none."""

    def headers(self) -> list[Header] | None:
        """The headers, None for none."""

    def topic(self) -> str:
        """The topic."""

    def partition(self) -> int:
        """The number of the partition."""

    def offset(self) -> int:
        """The offset in the partition."""

    def timestamp(self) -> tuple[int, int]:
        """The kind of the timestamp, and milliseconds since 1970."""

    def latency(self) -> float:
        """Seconds between ``produce`` and the acknowledgement."""

    def error(self) -> KafkaError | None:
        """Set for an event of the partition that is not a record."""

    def __len__(self) -> int:
        """The size of the value in bytes."""


def consume(client: Consumer, limit: int, timeout_s: float) -> list[KafkaRecord]:
    """Return up to ``limit`` records, after at most this time for the first of them to arrive."""
    return cast("list[KafkaRecord]", client.consume(limit, timeout_s))


def headers_of(record: KafkaRecord) -> tuple[Header, ...]:
    """Return the headers of a record, or what stands for those that cannot be read."""
    try:
        return tuple(record.headers() or ())
    except (SystemError, UnicodeDecodeError):  # the client's way to say that a name is not UTF-8
        return UNREADABLE_HEADERS


def to_message(record: KafkaRecord, topic: str, partition: int) -> Message:
    """Return the record as the dataflow reads it."""
    kind, at_ms = record.timestamp()
    at_s = None if kind == TIMESTAMP_NOT_AVAILABLE else at_ms / 1000
    headers, offset, type_ = headers_of(record), record.offset(), TIMESTAMP_TYPES[kind]
    return Message(record.value(), record.key(), headers, topic, partition, offset, at_s, type_)
