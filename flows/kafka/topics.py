"""Topics, their partitions and offsets: what is created and queried before the first record."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exports them without declaring so
    ConfigResource,
    TopicDescription,
    TopicMetadata,
)
from confluent_kafka.cimpl import NewTopic

from flows.kafka.cluster import TRANSIENT, Cluster, close_consumer, create_admin_client, create_consumer, log
from flows.kafka.end_offsets import BEGINNING, END, PartitionId, query_offsets
from flows.kafka.quiet_admin import QuietAdminClient
from flows.observability.log_events import LogEvent, tell
from schemas.errors import BrokerError, SetupError

TIMEOUT_S: Final = 10.0
"""How long each function here waits for the broker unless it is told otherwise."""

RETRY_S: Final = 0.02
UNKNOWN_FOR_S: Final = 2.0
"""So long a topic may be unknown to the broker that is asked, though it was just made on another."""

COMPACTED: Final = {"cleanup.policy": "compact"}
MAX_MESSAGE: Final = "max.message.bytes"
DEFAULT_MAX_MESSAGE_BYTES: Final = 1_048_588


def partition_name(topic: str, partition: int) -> str:
    """Return the name of a partition in the worker's state.

    >>> partition_name("shop.events", 3)
    'shop.events/0003'
    """
    return f"{topic}/{partition:04d}"


def topic_partition(name: str) -> PartitionId:
    """Return the topic and the number of a partition from its name.

    >>> topic_partition("shop.events/0003")
    ('shop.events', 3)
    """
    topic, _, partition = name.rpartition("/")
    return topic, int(partition)


def ensure_topics(
    cluster: Cluster,
    wanted: Mapping[str, int],
    *,
    compacted: Collection[str] = (),
    replication: int = -1,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, int]:
    """Create the missing ones of these topics with so many partitions; return how many each topic has.

    Of those that are ``compacted`` the broker keeps the latest record of each key for good, where they are
    created here. A replication of -1 leaves it to the broker. Raises SetupError when no broker answers or it
    refuses a topic, BrokerError when a topic has no leader in that time.
    """
    client = create_admin_client(cluster)
    found = _topics(client, cluster, timeout_s)
    missing = [
        NewTopic(topic, count, replication, config=dict(COMPACTED) if topic in compacted else {})
        for topic, count in wanted.items()
        if topic not in found
    ]
    if missing:
        for topic, created in client.create_topics(missing, request_timeout=timeout_s).items():
            try:
                created.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise SetupError(f"topic {topic} cannot be made: {error.args[0].str()}") from error
    return _wait_for_leaders(client, cluster, wanted, timeout_s)


def partitions_of(cluster: Cluster, topics: Iterable[str], *, timeout_s: float = TIMEOUT_S) -> list[str]:
    """Return the names of all partitions of these topics, in order.

    Raises SetupError for a topic that does not exist, BrokerError for one that has no leader in that time.
    """
    wanted, client = list(topics), create_admin_client(cluster)
    deadline = time.monotonic() + min(UNKNOWN_FOR_S, timeout_s)
    while missing := _missing(wanted, _topics(client, cluster, timeout_s)):
        if time.monotonic() > deadline:
            raise SetupError(f"topic {missing[0]} does not exist on {cluster.bootstrap}")
        time.sleep(RETRY_S)
    found = _wait_for_leaders(client, cluster, wanted, timeout_s)
    return [partition_name(topic, number) for topic in wanted for number in range(found[topic])]


def beginning_offsets(
    cluster: Cluster, partitions: Iterable[str], *, timeout_s: float = TIMEOUT_S
) -> dict[str, int]:
    """Return the offset of the oldest record that each partition retains."""
    return _offsets(cluster, partitions, BEGINNING, timeout_s)


def end_offsets(
    cluster: Cluster, partitions: Iterable[str], *, timeout_s: float = TIMEOUT_S
) -> dict[str, int]:
    """Return the offset after the newest record of each partition, open transactions included."""
    return _offsets(cluster, partitions, END, timeout_s)


def offsets_at(
    cluster: Cluster, partitions: Iterable[str], at_s: float, *, timeout_s: float = TIMEOUT_S
) -> dict[str, int]:
    """Return where each partition has its first record of this time or later, else its end."""
    wanted = {topic_partition(name): name for name in partitions}
    request = [TopicPartition(*partition, int(at_s * 1000)) for partition in wanted]
    with _asking(cluster) as client:
        reply = client.offsets_for_times(request, timeout=timeout_s) if request else []
    found = {wanted[one.topic, one.partition]: one.offset for one in reply if one.error is None}
    after = [name for name in wanted.values() if found.get(name, -1) < 0]
    return found | end_offsets(cluster, after, timeout_s=timeout_s)


def committed_offsets(
    cluster: Cluster, partitions: Iterable[str], *, timeout_s: float = TIMEOUT_S
) -> dict[str, int]:
    """Return the offsets that the group of the cluster has committed; partitions without one are left out."""
    request = [TopicPartition(*topic_partition(name)) for name in partitions]
    with _asking(cluster) as client:
        reply = client.committed(request, timeout=timeout_s) if request else []
    return {
        partition_name(one.topic, one.partition): one.offset
        for one in reply
        if one.error is None and one.offset >= 0
    }


@contextmanager
def _asking(cluster: Cluster) -> Iterator[Consumer]:
    """Yield a client that asks brokers for offsets; BrokerError where they do not tell them."""
    client = create_consumer(cluster, quiet=True)
    try:
        yield client
    except KafkaException as error:
        raise BrokerError(f"{cluster.bootstrap} does not tell its offsets: {error.args[0].str()}") from error
    finally:
        client.close()


def partition_counts(cluster: Cluster, *, timeout_s: float = TIMEOUT_S) -> dict[str, int]:
    """Return how many partitions each topic of the cluster has."""
    topics = _topics(create_admin_client(cluster), cluster, timeout_s)
    return {name: len(topic.partitions) for name, topic in topics.items()}


def topic_ids(cluster: Cluster, topics: Iterable[str], *, timeout_s: float = TIMEOUT_S) -> dict[str, str]:
    """Return the id of each topic: one that is made anew has another. Brokers before Kafka 2.8 have none.

    A topic that may not be described is left out.
    """
    wanted, client = list(topics), create_admin_client(cluster)
    deadline = time.monotonic() + timeout_s
    found: dict[str, str | None] = {}
    while asked := _missing(wanted, found):
        for topic, answer in client.describe_topics(
            TopicCollection(asked), request_timeout=timeout_s
        ).items():
            try:
                found[topic] = id_of(answer.result())
            except KafkaException as error:
                if _is_transient(error) and time.monotonic() < deadline:
                    time.sleep(RETRY_S)
                    continue
                tell(log, LogEvent.TOPIC_ID_UNKNOWN, topic=topic, reason=error.args[0].str())
                found[topic] = None
    return {topic: id_ for topic, id_ in found.items() if id_ is not None}


def id_of(topic: TopicDescription) -> str | None:
    """Return the id of a described topic, None where its broker has none."""
    id_ = str(topic.topic_id)
    return None if set(id_) == {"A"} else id_  # zero, in base64


def max_message_bytes(
    cluster: Cluster, topics: Iterable[str], *, timeout_s: float = TIMEOUT_S
) -> dict[str, int]:
    """Return how large a batch of records may be in each topic, as its brokers say.

    A topic whose settings may not be asked for has Kafka's default.
    """
    wanted, client = list(topics), create_admin_client(cluster)
    deadline = time.monotonic() + timeout_s
    found: dict[str, int] = {}
    while asked := [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in _missing(wanted, found)]:
        for resource, answer in client.describe_configs(asked, request_timeout=timeout_s).items():
            try:
                found[resource.name] = int(answer.result()[MAX_MESSAGE].value)
            except (KafkaException, KeyError, TypeError, ValueError) as error:
                if _is_transient(error) and time.monotonic() < deadline:
                    time.sleep(RETRY_S)
                    continue
                tell(
                    log,
                    LogEvent.TOPIC_LIMIT_UNKNOWN,
                    setting=MAX_MESSAGE,
                    topic=resource.name,
                    reason=str(error),
                )
                found[resource.name] = DEFAULT_MAX_MESSAGE_BYTES
    return found


def _is_transient(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in TRANSIENT


def _offsets(cluster: Cluster, names: Iterable[str], which: int, timeout_s: float) -> dict[str, int]:
    wanted = {topic_partition(name): name for name in names}
    uncommitted = {"isolation.level": "read_uncommitted"}
    client = create_consumer(cluster._replace(settings={**cluster.settings, **uncommitted}), quiet=True)
    deadline = time.monotonic() + timeout_s
    why = "some partitions have no leader"
    try:
        while time.monotonic() < deadline:
            try:
                found = query_offsets(client, wanted, which, timeout_s)
            except KafkaException as error:
                why = error.args[0].str()
            else:
                if found.keys() == wanted.keys():
                    return {name: found[partition] for partition, name in wanted.items()}
            time.sleep(RETRY_S)
    finally:
        close_consumer(client)
    raise BrokerError(f"{cluster.bootstrap} does not tell its offsets: {why}")


def _topics(client: QuietAdminClient, cluster: Cluster, timeout_s: float) -> dict[str, TopicMetadata]:
    """Return every topic that exists, also one that has no leader just now."""
    try:
        return client.list_topics(timeout=timeout_s).topics  # naming a topic here could make it
    except KafkaException as error:
        why = client.trouble(error.args[0])
        raise SetupError(f"no Kafka broker answers at {cluster.bootstrap}: {why}") from error


def _has_leaders(topic: TopicMetadata) -> bool:
    """Return whether each partition of a topic has a leader."""
    return topic.error is None and all(one.leader >= 0 for one in topic.partitions.values())


def _wait_for_leaders(
    client: QuietAdminClient, cluster: Cluster, wanted: Iterable[str], timeout_s: float
) -> dict[str, int]:
    """Return how many partitions each of these topics has, once all of them have leaders."""
    deadline = time.monotonic() + timeout_s
    while True:
        topics = _topics(client, cluster, timeout_s)
        found = {
            name: len(topics[name].partitions)
            for name in wanted
            if name in topics and _has_leaders(topics[name])
        }
        late = _missing(wanted, found)
        if not late:
            return found
        if time.monotonic() > deadline:
            raise BrokerError(f"{', '.join(late)}: still without a leader after {timeout_s:.0f} s")
        time.sleep(RETRY_S)


def _missing(wanted: Iterable[str], found: Mapping[str, object]) -> list[str]:
    return [name for name in wanted if name not in found]
