"""Topics, their partitions and how far these reach: what is asked before the first record."""

import time
from collections.abc import Iterable, Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from flows.kafka.cluster import Cluster, admin, consumer
from flows.kafka.end_offsets import BEGINNING, END, offsets
from schemas.errors import SetupError

ANSWER_S = 10.0
PAUSE_S = 0.02


def part_name(topic: str, partition: int) -> str:
    """The name of a topic's partition as the state knows it.

    >>> part_name("shop.events", 3)
    'shop.events/0003'
    """
    return f"{topic}/{partition:04d}"


def place(part: str) -> tuple[str, int]:
    """The topic and the partition of a part's name."""
    topic, _, partition = part.rpartition("/")
    return topic, int(partition)


def ensure_topics(cluster: Cluster, wanted: Mapping[str, int], *, replication: int = -1) -> dict[str, int]:
    """How many partitions each wanted topic has, after making those that were missing with as many as wanted.

    A replication of -1 leaves it to the broker. Raises SetupError when the broker does not answer or refuses.
    """
    client = admin(cluster)
    found = _topics(client, cluster)
    missing = [NewTopic(topic, count, replication) for topic, count in wanted.items() if topic not in found]
    if missing:
        for topic, made in client.create_topics(missing).items():
            try:
                made.result(ANSWER_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise SetupError(f"topic {topic} cannot be made: {error.args[0].str()}") from error
        found = _when_all_lead(client, cluster, wanted)
    return {topic: found[topic] for topic in wanted}


def parts_of(cluster: Cluster, topics: Iterable[str]) -> list[str]:
    """The names of all partitions of these topics, in order; SetupError for a topic that is not there."""
    found = _topics(admin(cluster), cluster)
    for topic in topics:
        if topic not in found:
            raise SetupError(f"topic {topic} does not exist on {cluster.bootstrap}")
    return [part_name(topic, number) for topic in topics for number in range(found[topic])]


def beginnings(cluster: Cluster, parts: Iterable[str]) -> dict[str, int]:
    """The offset of the oldest record that each part still holds."""
    return _offsets(cluster, parts, BEGINNING)


def ends(cluster: Cluster, parts: Iterable[str]) -> dict[str, int]:
    """The offset after the newest record of each part."""
    return _offsets(cluster, parts, END)


def _offsets(cluster: Cluster, parts: Iterable[str], which: int) -> dict[str, int]:
    wanted = {place(part): part for part in parts}
    everything = {"isolation.level": "read_uncommitted"}
    client = consumer(cluster._replace(settings={**cluster.settings, **everything}), quiet=True)
    deadline = time.monotonic() + ANSWER_S
    why = "some partitions have no leader"
    try:
        while time.monotonic() < deadline:
            try:
                found = offsets(client, wanted, which, ANSWER_S)
            except KafkaException as error:
                why = error.args[0].str()
            else:
                if found.keys() == wanted.keys():
                    return {part: found[where] for where, part in wanted.items()}
            time.sleep(PAUSE_S)
    finally:
        client.close()
    raise SetupError(f"{cluster.bootstrap} does not tell its offsets: {why}")


def _topics(client: AdminClient, cluster: Cluster) -> dict[str, int]:
    try:
        topics = client.list_topics(timeout=ANSWER_S).topics
    except KafkaException as error:
        raise SetupError(f"no Kafka broker answers at {cluster.bootstrap}: {error.args[0].str()}") from error
    return {
        name: len(topic.partitions)
        for name, topic in topics.items()
        if topic.error is None and all(one.leader >= 0 for one in topic.partitions.values())
    }


def _when_all_lead(client: AdminClient, cluster: Cluster, wanted: Mapping[str, int]) -> dict[str, int]:
    deadline = time.monotonic() + ANSWER_S
    while not wanted.keys() <= (found := _topics(client, cluster)).keys():
        if time.monotonic() > deadline:
            late = ", ".join(sorted(wanted.keys() - found.keys()))
            raise SetupError(f"{late}: made, but without a leader after {ANSWER_S:.0f} s")
        time.sleep(PAUSE_S)
    return found
