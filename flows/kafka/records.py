"""Records as the client gives them, with the types that hold for every one we read or write."""

from typing import Final, Protocol, cast

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError

from schemas.message import Message

END_OF_PARTITION: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own errors are spelled so
OFFSET_GONE: Final = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - the same
SKIPS_RECORDS: Final = frozenset(
    {
        KafkaError._BAD_MSG,  # noqa: SLF001 - the same
        KafkaError._BAD_COMPRESSION,  # noqa: SLF001 - the same
        KafkaError._NOT_IMPLEMENTED,  # noqa: SLF001 - the same
        KafkaError._FATAL,  # noqa: SLF001 - the same
    }
)


class Record(Protocol):
    """A confluent_kafka.Message that has a topic, a partition and an offset."""

    def value(self) -> bytes | None:
        """Its bytes."""

    def key(self) -> bytes | None:
        """The bytes that chose its partition."""

    def headers(self) -> list[tuple[str, bytes]] | None:
        """Its headers, None for none."""

    def topic(self) -> str:
        """Where it stands."""

    def partition(self) -> int:
        """Where in the topic."""

    def offset(self) -> int:
        """Where in the partition."""

    def timestamp(self) -> tuple[int, int]:
        """The kind of its timestamp, and milliseconds since 1970."""

    def latency(self) -> float:
        """Seconds from the producing of it to its acknowledgement."""

    def error(self) -> KafkaError | None:
        """Set if this is no record but news about the partition."""

    def __len__(self) -> int:
        """How many bytes the value has."""


def consume(client: Consumer, most: int, wait_s: float) -> list[Record]:
    """What has come, waiting at most so long for anything to come."""
    return cast("list[Record]", client.consume(most, wait_s))


def message(record: Record, topic: str, partition: int) -> Message:
    """A record as the page reads it."""
    kind, at_ms = record.timestamp()
    at_s = None if kind == TIMESTAMP_NOT_AVAILABLE else at_ms / 1000
    headers = tuple(record.headers() or ())
    return Message(record.value(), record.key(), headers, topic, partition, record.offset(), at_s)
