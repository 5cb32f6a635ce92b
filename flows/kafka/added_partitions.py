"""Which partitions were added to the topics that are read, and which topics are gone or made anew."""

import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Final, NamedTuple, Self

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from flows.kafka.cluster import Cluster, create_admin_client
from flows.kafka.topics import id_of, topic_partition

REQUEST_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 2.0

Added = Mapping[str, list[int]]
"""The numbers of the partitions that were added, in order, of each topic that its broker told of."""


class Look(NamedTuple):
    """What the brokers tell of the topics that are read: what was added, and which ids they have.

    ``unknown`` are topics that do not exist, as far as the broker that was asked knows.
    """

    added: Added
    ids: Mapping[str, str]
    unknown: frozenset[str] = frozenset()


class AddedPartitions:
    """Looks every ``interval_s``, on a thread of its own, from the beginning of its block to the end.

    ``read`` names the partitions that are read; ``on_look`` is called on the thread after each look. A
    partition without a leader is not told yet: it cannot be read either. Bounded by the number of partitions.
    """

    def __init__(
        self, cluster: Cluster, read: Iterable[str], on_look: Callable[[Look], None], *, interval_s: float
    ) -> None:
        self._cluster = cluster
        self._read: dict[str, set[int]] = {}
        for name in read:
            topic, partition = topic_partition(name)
            self._read.setdefault(topic, set()).add(partition)
        self._on_look = on_look
        self._interval_s = interval_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="added-partitions", daemon=True)

    def __enter__(self) -> Self:
        """Look until the block ends."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop looking."""
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def look(self, client: AdminClient) -> Look:
        """Return what was added to each topic, and its id; one whose broker does not answer is left out."""
        topics = TopicCollection(sorted(self._read))  # unlike a query for metadata, this never makes a topic
        added, ids, unknown = {}, {}, set()
        for topic, answer in client.describe_topics(topics, request_timeout=REQUEST_TIMEOUT_S).items():
            try:
                found = answer.result()
            except KafkaException as error:  # the reading consumer logs that the broker is gone
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    unknown.add(topic)
                continue
            partitions = {one.id for one in found.partitions if one.leader is not None}
            added[topic] = sorted(partitions - self._read[topic])
            if (id_ := id_of(found)) is not None:
                ids[topic] = id_
        return Look(added, ids, frozenset(unknown))

    def _run(self) -> None:
        client = create_admin_client(self._cluster)
        while not self._closing.wait(self._interval_s):
            self._on_look(self.look(client))
            client.poll(0)  # or what it is told of its connections would pile up in it
