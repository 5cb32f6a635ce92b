"""Topics read as they grow, without a consumer group and without affecting the worker."""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import TopicPartition

from flows.kafka.cluster import Cluster, close_consumer, create_consumer
from flows.kafka.records import consume, to_message
from flows.kafka.topics import beginning_offsets, partitions_of, topic_partition
from schemas.message import Message

POLL_LIMIT: Final = 5000


class TopicFollower:
    """Reads topics from their beginning; keeps nothing of what it has returned."""

    def __init__(self, cluster: Cluster, topics: Iterable[str]) -> None:
        self._consumer = create_consumer(cluster)
        start = beginning_offsets(cluster, partitions_of(cluster, topics))
        self._consumer.assign(
            [TopicPartition(*topic_partition(name), offset) for name, offset in start.items()]
        )

    def poll(self) -> list[Message]:
        """Return what has arrived since the last poll, without waiting."""
        records = consume(self._consumer, POLL_LIMIT, 0)
        return [to_message(one, one.topic(), one.partition()) for one in records if one.error() is None]

    def close(self) -> None:
        """Close the consumer."""
        close_consumer(self._consumer)
