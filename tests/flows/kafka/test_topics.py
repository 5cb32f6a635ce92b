"""What a broker cannot answer yet, because a topic was just made or a leader moves, is asked again."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from flows.kafka import bounded_read, topics
from flows.kafka.cluster import Cluster
from schemas.errors import BrokerError, SetupError

CLUSTER = Cluster("nowhere:9092")


def described(*leaders, error=None):
    """A topic with a partition for each leader; -1 is none."""
    partitions = {number: SimpleNamespace(leader=leader) for number, leader in enumerate(leaders)}
    return SimpleNamespace(partitions=partitions, error=error)


def failed(code):
    return KafkaException(KafkaError(code))


def future(answer):
    made = Future()
    made.set_exception(answer) if isinstance(answer, Exception) else made.set_result(answer)
    return made


class Brokers:
    """Clients of brokers that answer what they are told to, the last of it again and again."""

    def __init__(self, monkeypatch):
        self.topics, self.configs, self.offsets = [{}], [], []
        self.created, self.policies = [], []
        for name in ("create_admin_client", "create_consumer"):
            monkeypatch.setattr(topics, name, lambda *_, **__: self)

    @staticmethod
    def next(answers):
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def list_topics(self, timeout):
        assert timeout > 0
        return SimpleNamespace(topics=self.next(self.topics))

    def create_topics(self, new, request_timeout):
        assert request_timeout > 0
        self.created += [one.topic for one in new]
        self.policies += [one.config for one in new]
        return {one.topic: future(None) for one in new}

    def describe_configs(self, asked, request_timeout):
        assert request_timeout > 0
        return {one: future(self.next(self.configs)) for one in asked}

    def offsets_for_times(self, request, timeout):
        assert timeout > 0
        answer = self.next(self.offsets)
        if isinstance(answer, Exception):
            raise answer
        return [
            SimpleNamespace(topic=one.topic, partition=one.partition, offset=answer, error=None)
            for one in request
        ]

    def close(self):
        pass


@pytest.fixture
def brokers(monkeypatch):
    return Brokers(monkeypatch)


def test_a_topic_that_not_every_broker_knows_yet_is_waited_for(brokers):
    brokers.topics = [
        {},
        {"events": described(-1)},
        {"events": described(1, -1)},
        {"events": described(1, 1)},
    ]
    assert topics.partitions_of(CLUSTER, ["events"]) == ["events/0000", "events/0001"]


def test_a_topic_that_stays_unknown_or_without_a_leader_is_named(brokers):
    with pytest.raises(SetupError, match="topic events does not exist on nowhere:9092"):
        topics.partitions_of(CLUSTER, ["events"], timeout_s=0.1)
    brokers.topics = [{"events": described(1, -1)}]
    with pytest.raises(BrokerError, match="events: still without a leader after 0 s"):
        topics.partitions_of(CLUSTER, ["events"], timeout_s=0.1)


def test_a_topic_whose_leader_moves_is_not_made_again(brokers):
    moving = {"events": described(1, -1)}
    brokers.topics = [moving, moving, {"events": described(1, 1)}]
    assert topics.ensure_topics(CLUSTER, {"events": 8}) == {"events": 2}
    assert brokers.created == []


def test_a_topic_is_made_compacted_where_that_is_wanted(brokers):
    brokers.topics = [{}, {"kept": described(1), "passing": described(1)}]
    topics.ensure_topics(CLUSTER, {"kept": 1, "passing": 1}, compacted=["kept", "other"])
    assert brokers.policies == [{"cleanup.policy": "compact"}, {}]


def test_the_limit_of_a_topic_is_asked_for_again_until_the_broker_knows_the_topic(brokers):
    unknown = failed(KafkaError.UNKNOWN_TOPIC_OR_PART)
    brokers.configs = [unknown, unknown, {topics.MAX_MESSAGE: SimpleNamespace(value="5000000")}]
    assert topics.max_message_bytes(CLUSTER, ["offers"]) == {"offers": 5_000_000}


@pytest.mark.parametrize(
    ("code", "timeout_s"),
    [(KafkaError.TOPIC_AUTHORIZATION_FAILED, 10.0), (KafkaError.UNKNOWN_TOPIC_OR_PART, 0.05)],
)
def test_a_limit_that_may_not_be_asked_for_or_stays_unknown_is_kafkas_own(brokers, caplog, code, timeout_s):
    brokers.configs = [failed(code)]
    found = topics.max_message_bytes(CLUSTER, ["offers"], timeout_s=timeout_s)
    assert found == {"offers": topics.DEFAULT_MAX_MESSAGE_BYTES}
    assert "max.message.bytes of offers is not known" in caplog.text


def test_offsets_are_asked_for_again_while_a_leader_moves(brokers):
    brokers.offsets = [failed(KafkaError.NOT_LEADER_FOR_PARTITION), 7]
    assert topics.end_offsets(CLUSTER, ["events/0000"]) == {"events/0000": 7}


class Record(SimpleNamespace):
    def topic(self):
        return "events"

    def partition(self):
        return 0

    def offset(self):
        return self.at

    def error(self):
        return None if self.code is None else KafkaError(self.code)


def test_a_range_is_read_on_after_a_leader_moved(monkeypatch):
    records = [Record(at=0, code=None), Record(at=1, code=KafkaError.NOT_LEADER_FOR_PARTITION)]
    records.append(Record(at=1, code=None))
    client = SimpleNamespace(assign=lambda _: None, close=lambda: None)
    monkeypatch.setattr(bounded_read, "create_consumer", lambda _: client)
    monkeypatch.setattr(bounded_read, "consume", lambda *_: [records.pop(0)])
    batches = bounded_read.read_ranges(CLUSTER, {("events", 0): (0, 2)})
    assert [record.offset() for batch in batches for record in batch] == [0, 1]
