"""What the broker tests share: producing, reading back, and driving a source as Bytewax does."""

import math
import pickle
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from flows.kafka.cluster import TRANSIENT
from flows.kafka.topics import beginning_offsets, end_offsets, partitions_of
from operators.streaming.messages import OutputRecord


def until(happened, within_s=20.0):
    """The first true value of ``happened()``."""
    deadline = time.monotonic() + within_s
    while not (value := happened()):
        assert time.monotonic() < deadline, f"did not happen within {within_s} s"
        time.sleep(0.001)
    return value


def produce(cluster, topic, values, partition=0, *, key=None, timestamp_s=0, headers=None):
    """Append these values and wait until they are acknowledged."""
    client = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "linger.ms": 0})
    for value in values:
        client.produce(
            topic,
            value,
            key,
            partition=partition,
            timestamp=int(timestamp_s * 1000),
            headers=headers,
        )
    assert client.flush(20) == 0


def produce_in_transaction(cluster, topic, value):
    """Append a value in a transaction, whose end takes an offset of its own."""
    client = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": topic})
    client.init_transactions(20)
    client.begin_transaction()
    client.produce(topic, value)
    client.commit_transaction(20)


def read_all(cluster, topic):
    """Every record of a topic, partition after partition."""
    names = partitions_of(cluster, [topic])
    position, end = beginning_offsets(cluster, names), end_offsets(cluster, names)
    client = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "reading-back",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    client.assign([TopicPartition(topic, number, position[name]) for number, name in enumerate(names)])
    records = []
    while sum(position.values()) < sum(end.values()):
        record = client.poll(20)
        assert record is not None, "the topic fell silent"
        if record.error() is not None and record.error().code() in TRANSIENT:
            continue
        assert record.error() is None
        position[f"{record.topic()}/{record.partition():04d}"] = record.offset() + 1
        records.append(record)
    client.close()
    return sorted(records, key=lambda one: (one.partition(), one.offset()))


def ids(cluster, topic):
    """The ids of all records of a topic."""
    return [dict(record.headers())["ce_id"].decode() for record in read_all(cluster, topic)]


def output(id_, key="v1", value=b"{}", **more):
    return OutputRecord("offers", "offer.decided", key, id_, value, **more)


class PassThrough:
    """A reader that emits each record again, with its ``topic/partition/offset`` as the id."""

    def __init__(self, name, state=None):
        self.name = name
        self.idles = []
        self.seen = []
        self.next_offset, self.greatest_s, self.count = pickle.loads(state) if state else (None, -math.inf, 0)

    @property
    def event_time_s(self):
        return self.greatest_s

    def read(self, messages, now_s):
        assert abs(now_s - time.time()) < 60
        self.next_offset = messages[-1].offset + 1
        self.greatest_s = max(self.greatest_s, *(one.timestamp_s for one in messages))
        self.seen.extend(messages)
        return [
            output(f"{one.topic}/{one.partition}/{one.offset}", (one.key or b"").decode(), one.value)
            for one in messages
        ]

    def idle(self, now_s):
        self.idles.append(now_s)
        return []

    def resumed(self):
        return [output("resumed")]

    def snapshot(self):
        return pickle.dumps((self.next_offset, self.greatest_s, len(self.seen)))


class Driver:
    """Drives a source as Bytewax does: asks its partitions in turn."""

    def __init__(self, source, states=None):
        self.partitions = {}
        for name in source.list_parts():
            self.partitions[name] = source.build_part("source", name, (states or {}).get(name))

    def round(self):
        """What one round over all partitions emits."""
        return [item for partition in self.partitions.values() for item in partition.next_batch()]

    def values(self, name):
        """The values that a partition's reader has read."""
        return [one.value for one in self.partitions[name].reader.seen]

    def until(self, happened, within_s=20.0):
        """Go on until something holds."""
        until(lambda: (self.round() and False) or happened(), within_s)

    def close(self):
        for partition in self.partitions.values():
            partition.close()
