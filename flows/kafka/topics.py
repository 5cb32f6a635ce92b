"""Topics, their partitions and offsets: what is created and queried before the first record."""

import time
from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]  # it does not declare so
from confluent_kafka.cimpl import NewTopic

from flows.kafka.cluster import Cluster, create_admin_client, create_consumer, log
from flows.kafka.end_offsets import BEGINNING, END, PartitionId, query_offsets
from flows.kafka.quiet_admin import QuietAdminClient
from schemas.errors import BrokerError, SetupError

TIMEOUT_S: Final = 10.0
"""How long each function here waits for the broker unless it is told otherwise."""

RETRY_S: Final = 0.02
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
    cluster: Cluster, wanted: Mapping[str, int], *, replication: int = -1, timeout_s: float = TIMEOUT_S
) -> dict[str, int]:
    """Create the missing ones of these topics with so many partitions; return how many each topic has.

    A replication of -1 leaves it to the broker. Raises SetupError when no broker answers or it refuses a
    topic, BrokerError when a new topic gets no leader.
    """
    client = create_admin_client(cluster)
    found = _partition_counts(client, cluster, timeout_s)
    missing = [NewTopic(topic, count, replication) for topic, count in wanted.items() if topic not in found]
    if missing:
        for topic, created in client.create_topics(missing, request_timeout=timeout_s).items():
            try:
                created.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise SetupError(f"topic {topic} cannot be made: {error.args[0].str()}") from error
        found = _wait_for_leaders(client, cluster, wanted, timeout_s)
    return {topic: found[topic] for topic in wanted}


def partitions_of(cluster: Cluster, topics: Iterable[str], *, timeout_s: float = TIMEOUT_S) -> list[str]:
    """Return the names of all partitions of these topics, in order; SetupError for a missing topic."""
    found = _partition_counts(create_admin_client(cluster), cluster, timeout_s)
    for topic in topics:
        if topic not in found:
            raise SetupError(f"topic {topic} does not exist on {cluster.bootstrap}")
    return [partition_name(topic, number) for topic in topics for number in range(found[topic])]


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


def partition_counts(cluster: Cluster, *, timeout_s: float = TIMEOUT_S) -> dict[str, int]:
    """Return how many partitions each topic of the cluster has."""
    return _partition_counts(create_admin_client(cluster), cluster, timeout_s)


def max_message_bytes(
    cluster: Cluster, topics: Iterable[str], *, timeout_s: float = TIMEOUT_S
) -> dict[str, int]:
    """Return how large a batch of records may be in each topic, as its brokers say.

    A topic whose settings may not be asked for has Kafka's default.
    """
    wanted = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
    client = create_admin_client(cluster)
    found = {}
    for resource, answer in client.describe_configs(wanted, request_timeout=timeout_s).items():
        try:
            found[resource.name] = int(answer.result()[MAX_MESSAGE].value)
        except (KafkaException, KeyError, TypeError, ValueError) as error:
            log.warning("%s of %s is not known: %s", MAX_MESSAGE, resource.name, error)
            found[resource.name] = DEFAULT_MAX_MESSAGE_BYTES
    return found


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
        client.close()
    raise BrokerError(f"{cluster.bootstrap} does not tell its offsets: {why}")


def _partition_counts(client: QuietAdminClient, cluster: Cluster, timeout_s: float) -> dict[str, int]:
    try:
        topics = client.list_topics(timeout=timeout_s).topics
    except KafkaException as error:
        why = client.trouble(error.args[0])
        raise SetupError(f"no Kafka broker answers at {cluster.bootstrap}: {why}") from error
    return {
        name: len(topic.partitions)
        for name, topic in topics.items()
        if topic.error is None and all(one.leader >= 0 for one in topic.partitions.values())
    }


def _wait_for_leaders(
    client: QuietAdminClient, cluster: Cluster, wanted: Mapping[str, int], timeout_s: float
) -> dict[str, int]:
    deadline = time.monotonic() + timeout_s
    while not wanted.keys() <= (found := _partition_counts(client, cluster, timeout_s)).keys():
        if time.monotonic() > deadline:
            late = ", ".join(sorted(wanted.keys() - found.keys()))
            raise BrokerError(f"{late}: made, but without a leader after {timeout_s:.0f} s")
        time.sleep(RETRY_S)
    return found
