"""Partitions that are added to a topic are noticed while it is read."""

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from types import SimpleNamespace

from confluent_kafka import KafkaError, KafkaException, Uuid

from flows.kafka import added_partitions
from flows.kafka.added_partitions import AddedPartitions, Look
from flows.kafka.cluster import Cluster

ZERO = Uuid(0, 0)
READ = ("events/0000", "events/0001", "feedback/0000")


class Client:
    """A client that knows the leaders of each topic's partitions, or why it does not."""

    def __init__(self, **topics):
        self.topics = topics
        self.ids = {}

    def poll(self, _timeout):
        return 0

    def describe_topics(self, asked, request_timeout):
        assert request_timeout > 0
        assert asked.topic_names == ["events", "feedback"]
        return {topic: self.answer(topic, leaders) for topic, leaders in self.topics.items()}

    def answer(self, topic, leaders):
        made = Future()
        if isinstance(leaders, Exception):
            made.set_exception(leaders)
        else:
            partitions = [SimpleNamespace(id=number, leader=one) for number, one in enumerate(leaders)]
            made.set_result(SimpleNamespace(partitions=partitions, topic_id=self.ids.get(topic, ZERO)))
        return made


def looked(**topics):
    return AddedPartitions(Cluster("nowhere:9092"), READ, print, interval_s=1.0).look(Client(**topics))


def test_partitions_that_are_not_read_are_told_by_their_numbers():
    assert looked(events=["b"] * 4, feedback=["b"]).added == {"events": [2, 3], "feedback": []}


def test_a_partition_without_a_leader_is_not_there_yet():
    assert looked(events=["b", None, "b", None], feedback=["b"]).added == {"events": [2], "feedback": []}


def test_a_topic_whose_broker_does_not_answer_is_left_out():
    gone = KafkaException(KafkaError(KafkaError._TIMED_OUT))
    assert looked(events=gone, feedback=["b", "b"]) == Look({"feedback": [1]}, {})


def test_a_topic_that_its_broker_does_not_know_is_unknown():
    gone = KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    assert looked(events=gone, feedback=["b"]) == Look({"feedback": []}, {}, frozenset({"events"}))


def test_a_topic_is_told_by_its_id_where_it_has_one():
    client = Client(events=["b"] * 2, feedback=["b"])
    client.ids["events"] = Uuid(1, 2)
    looking = AddedPartitions(Cluster("nowhere:9092"), READ, print, interval_s=1.0)
    assert looking.look(client).ids == {"events": str(Uuid(1, 2))}


def is_looking():
    return any(thread.name == "added-partitions" for thread in threading.enumerate())


def test_it_looks_again_and_again_until_it_is_closed(monkeypatch):
    client = Client(events=["b", "b"], feedback=["b"])
    monkeypatch.setattr(added_partitions, "create_admin_client", lambda _: client)
    looks = SimpleQueue()
    with AddedPartitions(Cluster("nowhere:9092"), READ, looks.put, interval_s=0.001):
        assert is_looking()
        assert looks.get(timeout=10).added == {"events": [], "feedback": []}
        client.topics = {"events": ["b"] * 3}
        while looks.get(timeout=10).added != {"events": [2]}:
            pass
    assert not is_looking()


def test_closing_does_not_wait_for_the_next_look(monkeypatch):
    monkeypatch.setattr(added_partitions, "create_admin_client", lambda _: Client())
    with AddedPartitions(Cluster("nowhere:9092"), READ, print, interval_s=3600.0):
        pass
    assert not is_looking()
