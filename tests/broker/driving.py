"""What the broker tests share: producing, reading back, and taking a source or a sink by the hand."""

import math
import pickle
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from flows.kafka.topics import beginnings, ends, parts_of
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


def read_all(cluster, topic):
    """Every record of a topic, partition after partition."""
    parts = parts_of(cluster, [topic])
    reached, end = beginnings(cluster, parts), ends(cluster, parts)
    client = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "reading-back",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    client.assign([TopicPartition(topic, number, reached[part]) for number, part in enumerate(parts)])
    records = []
    while sum(reached.values()) < sum(end.values()):
        record = client.poll(20)
        assert record is not None, "the topic fell silent"
        assert record.error() is None
        reached[f"{record.topic()}/{record.partition():04d}"] = record.offset() + 1
        records.append(record)
    client.close()
    return sorted(records, key=lambda one: (one.partition(), one.offset()))


def ids(cluster, topic):
    """The ids of all records of a topic."""
    return [dict(record.headers())["ce_id"].decode() for record in read_all(cluster, topic)]


def said(id_, key="v1", value=b"{}", **more):
    return OutputRecord("offers", "offer.decided", key, id_, value, **more)


class Passing:
    """A reader that passes everything on: each record is said under its place, ``topic/partition/offset``."""

    def __init__(self, part, state=None):
        self.part = part
        self.idles = []
        self.seen = []
        self.next_offset, self.greatest_s, self.was = pickle.loads(state) if state else (None, -math.inf, 0)

    def read(self, messages, now_s):
        assert abs(now_s - time.time()) < 60
        self.next_offset = messages[-1].offset + 1
        self.greatest_s = max(self.greatest_s, *(one.timestamp_s for one in messages))
        self.seen.extend(messages)
        return [
            said(f"{one.topic}/{one.partition}/{one.offset}", (one.key or b"").decode(), one.value)
            for one in messages
        ]

    def idle(self, now_s):
        self.idles.append(now_s)
        return []

    def resumed(self):
        return [said("resumed")]

    def snapshot(self):
        return pickle.dumps((self.next_offset, self.greatest_s, len(self.seen)))


class Driven:
    """A source taken by the hand: its parts are asked in turn, as Bytewax does it."""

    def __init__(self, source, states=None):
        self.parts = {}
        for name in source.list_parts():
            self.parts[name] = source.build_part("source", name, (states or {}).get(name))

    def turn(self):
        """What one round over all parts gives."""
        return [item for part in self.parts.values() for item in part.next_batch()]

    def values(self, name):
        """The values that a part's reader has seen."""
        return [one.value for one in self.parts[name].judge.seen]

    def until(self, happened, within_s=20.0):
        """Go on until something is so."""
        until(lambda: (self.turn() and False) or happened(), within_s)

    def close(self):
        for part in self.parts.values():
            part.close()
