"""The end of topics, and what is added to them: for readers that must not fall behind nor keep all of it."""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from confluent_kafka import KafkaError, TopicPartition

from flows.kafka.cluster import Cluster, close_consumer, create_consumer
from flows.kafka.records import OFFSET_OUT_OF_RANGE, consume, to_message
from flows.kafka.topics import beginning_offsets, end_offsets, partition_name, partitions_of, topic_partition
from schemas.message import Message

POLL_LIMIT: Final = 2000
POLL_S: Final = 0.2
LOOK_EVERY_S: Final = 5.0
SILENT_S: Final = 10.0
"""The history is left as it is once nothing has come for so long: the rest is read as it comes."""


class TopicTail:
    """Reads topics from so many records before their ends; what it cannot keep up with, it leaves out.

    ``records`` gives for each topic how many of its latest records are read first, and how far the reading
    may be behind, all partitions together; None: all of them, from the beginning. ``skipped`` counts what was
    left out since. Raises SetupError where a topic does not exist, BrokerError where no broker answers.
    """

    def __init__(self, cluster: Cluster, records: Mapping[str, int | None]) -> None:
        self._cluster = cluster
        names = partitions_of(cluster, records)
        topics = [topic_partition(name)[0] for name in names]
        beginnings, self._ends = beginning_offsets(cluster, names), end_offsets(cluster, names)
        self._most: dict[str, int | None] = {}
        self._next: dict[str, int] = {}
        for name, topic in zip(names, topics, strict=True):
            total = records[topic]
            most = None if total is None else max(total // topics.count(topic), 1)
            self._most[name] = most
            self._next[name] = (
                beginnings[name] if most is None else max(beginnings[name], self._ends[name] - most)
            )
        self.skipped = 0
        self._looked_s = time.monotonic()
        self._consumer = create_consumer(cluster)
        self._consumer.assign([TopicPartition(*topic_partition(name), at) for name, at in self._next.items()])

    def history(self) -> list[Message]:
        """Return what stood in the topics at the beginning, all of them in the order of their times."""
        found: list[Message] = []
        heard_s = time.monotonic()
        while any(self._next[name] < end for name, end in self._ends.items()):
            batch = self.poll()
            found += batch
            if batch:
                heard_s = time.monotonic()
            elif time.monotonic() > heard_s + SILENT_S:
                break
        return sorted(
            found, key=lambda each: (each.timestamp_s or 0.0, each.topic, each.partition, each.offset)
        )

    def poll(self) -> list[Message]:
        """Return what has arrived, after waiting a moment for the first of it."""
        found = []
        for record in consume(self._consumer, POLL_LIMIT, POLL_S):
            error = record.error()
            if error is None:
                message = to_message(record, record.topic(), record.partition())
                self._next[partition_name(message.topic, message.partition)] = message.offset + 1
                found.append(message)
            else:
                self._take_error(error, record.topic(), record.partition(), record.offset())
        if time.monotonic() >= self._looked_s + LOOK_EVERY_S:
            self._looked_s = time.monotonic()
            self._catch_up()
        return found

    def close(self) -> None:
        """Close the consumer."""
        close_consumer(self._consumer)

    def _take_error(self, error: KafkaError, topic: str, partition: int, offset: int) -> None:
        """Go on where the log begins if what was to be read is gone; other errors the client repairs."""
        if error.code() == OFFSET_OUT_OF_RANGE:
            name = partition_name(topic, partition)
            self._seek(name, beginning_offsets(self._cluster, [name])[name])
        elif offset >= 0:  # the end of a partition
            self._next[partition_name(topic, partition)] = max(
                self._next.get(partition_name(topic, partition), 0), offset
            )

    def _catch_up(self) -> None:
        for name, end, most in self._behind():
            self.skipped += end - most - self._next[name]
            self._seek(name, end - most)

    def _behind(self) -> Iterator[tuple[str, int, int]]:
        for name, at in list(self._next.items()):
            most = self._most[name]
            end = self._consumer.get_watermark_offsets(TopicPartition(*topic_partition(name)), cached=True)[1]
            if most is not None and end - at > 2 * most:
                yield name, end, most

    def _seek(self, name: str, offset: int) -> None:
        self._next[name] = offset
        self._consumer.seek(TopicPartition(*topic_partition(name), offset))
