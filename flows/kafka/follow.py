"""Topics read as they grow, by somebody who only looks."""

from collections.abc import Iterable

from confluent_kafka import TopicPartition

from flows.kafka.cluster import Cluster, consumer
from flows.kafka.records import consume, message
from flows.kafka.topics import beginnings, parts_of, place
from schemas.message import Message

AT_ONCE = 5000


class Follower:
    """Reads topics from their beginning on, without a group of its own."""

    def __init__(self, cluster: Cluster, topics: Iterable[str]) -> None:
        self._consumer = consumer(cluster)
        first = beginnings(cluster, parts_of(cluster, topics))
        self._consumer.assign([TopicPartition(*place(part), offset) for part, offset in first.items()])

    def new(self) -> list[Message]:
        """Return what has come since the last time, without waiting."""
        records = consume(self._consumer, AT_ONCE, 0)
        return [message(one, one.topic(), one.partition()) for one in records if one.error() is None]

    def close(self) -> None:
        """Read no more."""
        self._consumer.close()
