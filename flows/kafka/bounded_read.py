"""Records read once between two offsets: a topic's history, or what was written after a snapshot."""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from flows.kafka.cluster import TRANSIENT, Cluster, close_consumer, create_consumer
from flows.kafka.end_offsets import PartitionId, query_offsets
from flows.kafka.records import END_OF_PARTITION, KafkaRecord, consume, to_message
from flows.kafka.topics import beginning_offsets, end_offsets, partition_name, partitions_of, topic_partition
from schemas.errors import BrokerError
from schemas.message import Message

POLL_LIMIT: Final = 1000
POLL_TIMEOUT_S: Final = 0.1
TIMEOUT_S: Final = 30.0
FIRST_BLOCK: Final = 2000
"""So many of the newest records of each partition are read first; every next block is twice as long."""


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


def ranges_since(cluster: Cluster, topic: str, since_s: float) -> dict[PartitionId, tuple[int, int]]:
    """Return the offsets of what the broker took from a time on, in seconds since 1970, by partition.

    Raises SetupError for a missing topic, and BrokerError where the broker does not answer.
    """
    retained = retained_ranges(cluster, topic)
    client = create_consumer(cluster, quiet=True)
    try:
        starts = query_offsets(client, retained, max(int(since_s * 1000), 0), TIMEOUT_S)
    except KafkaException as error:
        raise BrokerError(f"{cluster.bootstrap} does not tell its offsets: {error.args[0].str()}") from error
    finally:
        close_consumer(client)
    return {partition: (starts.get(partition, end), end) for partition, (_, end) in retained.items()}


def read_newest_first(
    cluster: Cluster, topic: str, ranges: Mapping[PartitionId, tuple[int, int]]
) -> Iterator[list[Message]]:
    """Yield the records of these ranges in blocks, the newest block first; BrokerError as ``read_ranges``.

    In a block, and in no other way, records are in the order of their partition. A block holds the last
    records of each partition that were not read yet.
    """
    left, size = dict(ranges), FIRST_BLOCK
    while any(start < end for start, end in left.values()):
        block = {partition: (max(start, end - size), end) for partition, (start, end) in left.items()}
        yield [message for batch in read_messages(cluster, topic, block) for message in batch]
        left = {partition: (left[partition][0], start) for partition, (start, _) in block.items()}
        size *= 2
