"""Records read once between two offsets: a topic's history, or what was written after a snapshot."""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from confluent_kafka import TopicPartition

from flows.kafka.cluster import TRANSIENT, Cluster, close_consumer, create_consumer
from flows.kafka.end_offsets import PartitionId
from flows.kafka.records import END_OF_PARTITION, KafkaRecord, consume, to_message
from flows.kafka.topics import beginning_offsets, end_offsets, partition_name, partitions_of, topic_partition
from schemas.errors import BrokerError
from schemas.message import Message

POLL_LIMIT: Final = 1000
POLL_TIMEOUT_S: Final = 0.1


def read_ranges(
    cluster: Cluster, ranges: Mapping[PartitionId, tuple[int, int]], *, silence_timeout_s: float = 30.0
) -> Iterator[list[KafkaRecord]]:
    """Yield the records of each partition from its first offset to before its end offset, in batches.

    Records are in order within a partition. Raises BrokerError when a partition cannot be read, or when
    nothing arrives for ``silence_timeout_s``.
    """
    ends = {partition: end for partition, (start, end) in ranges.items() if start < end}
    if not ends:
        return
    consumer = create_consumer(cluster)
    try:
        consumer.assign([TopicPartition(*partition, ranges[partition][0]) for partition in ends])
        deadline = time.monotonic() + silence_timeout_s
        while ends:
            batch: list[KafkaRecord] = []
            for record in consume(consumer, POLL_LIMIT, POLL_TIMEOUT_S):
                partition, position = (record.topic(), record.partition()), record.offset()
                if not _has_position(record) or partition not in ends:
                    continue
                if record.error() is None and position < ends[partition]:
                    batch.append(record)
                    position += 1
                if position >= ends[partition]:
                    del ends[partition]
            if batch:
                deadline = time.monotonic() + silence_timeout_s
                yield batch
            elif time.monotonic() > deadline:
                names = ", ".join(partition_name(*partition) for partition in sorted(ends))
                raise BrokerError(f"{names} cannot be read: silent for {silence_timeout_s:.0f} s")
    finally:
        close_consumer(consumer)


def _has_position(record: KafkaRecord) -> bool:
    """Return whether this is a record or an end, and no error that passes; BrokerError for any other."""
    error = record.error()
    if error is None or error.code() == END_OF_PARTITION:
        return True
    if error.code() in TRANSIENT:
        return False
    raise BrokerError(f"{record.topic()}/{record.partition()} cannot be read: {error.str()}")


def read_history(cluster: Cluster, topic: str) -> Iterator[list[Message]]:
    """Yield the records of all partitions of a topic in batches, up to where they end at the first one.

    Raises SetupError when the topic does not exist and BrokerError as ``read_ranges`` does.
    """
    yield from read_messages(cluster, topic, retained_ranges(cluster, topic))


def retained_ranges(cluster: Cluster, topic: str) -> dict[PartitionId, tuple[int, int]]:
    """Return the first and the end offset of each partition of a topic; SetupError for a missing topic."""
    names = partitions_of(cluster, [topic])
    beginnings, ends = beginning_offsets(cluster, names), end_offsets(cluster, names)
    return {topic_partition(name): (beginnings[name], ends[name]) for name in names}


def read_messages(
    cluster: Cluster, topic: str, ranges: Mapping[PartitionId, tuple[int, int]]
) -> Iterator[list[Message]]:
    """Yield the records of these ranges of a topic in batches; BrokerError as ``read_ranges`` raises it."""
    for batch in read_ranges(cluster, ranges):
        yield [to_message(record, topic, record.partition()) for record in batch]
