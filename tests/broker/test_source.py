"""The Kafka source: every record once, in order, whatever happens to it or to the broker."""

import logging
import math
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from flows.kafka import hub, topics
from flows.kafka.cluster import Burst, Cluster
from flows.kafka.end_offsets import Answer, Ends
from flows.kafka.source import KafkaSource
from flows.worker.shutdown import Shutdown
from schemas.errors import SetupError
from tests.broker.driving import Driven, Passing, produce, until

pytestmark = pytest.mark.broker


def numbers(start, end):
    return [b"%d" % one for one in range(start, end)]


def source_of(cluster, topic, *, first=None, stop=None, **more):
    first = first or topics.beginnings(cluster, topics.parts_of(cluster, [topic]))
    return KafkaSource(cluster, first, Passing, stop or Shutdown(), **more)


def driven(cluster, topic, states=None, **more):
    return Driven(source_of(cluster, topic, **more), states)


def test_every_partition_is_read_in_order_by_one_consumer(cluster, make_topic):
    topic = make_topic(3)
    for partition in range(3):
        produce(cluster, topic, numbers(0, 2500), partition)
    worker = driven(cluster, topic)
    worker.until(lambda: all(len(part.judge.seen) >= 2500 for part in worker.parts.values()))
    for partition in range(3):
        assert worker.values(f"{topic}/{partition:04d}") == numbers(0, 2500)
    worker.close()


def test_a_record_comes_with_its_key_headers_place_and_time(cluster, make_topic):
    topic = make_topic(2)
    produce(cluster, topic, [b"v"], 1, key=b"k", timestamp_s=1700000000.5, headers=[("a", b"b")])
    produce(cluster, topic, [None], 1)
    worker = driven(cluster, topic)
    part = worker.parts[f"{topic}/0001"]
    worker.until(lambda: len(part.judge.seen) == 2)
    assert part.judge.seen[0] == (b"v", b"k", (("a", b"b"),), topic, 1, 0, 1700000000.5)
    assert part.judge.seen[1][:6] == (None, None, (), topic, 1, 1)
    worker.close()


def test_a_resumed_part_says_its_tick_again_and_reads_on(cluster, make_topic):
    topic = make_topic()
    name = f"{topic}/0000"
    produce(cluster, topic, numbers(0, 10))
    worker = driven(cluster, topic)
    worker.until(lambda: len(worker.values(name)) == 10)
    state = worker.parts[name].snapshot()
    worker.close()
    produce(cluster, topic, numbers(10, 20))
    again = driven(cluster, topic, {name: state})
    assert again.turn()[0].id == "resumed"
    again.until(lambda: len(again.values(name)) >= 10)
    assert again.values(name) == numbers(10, 20)
    again.close()


def test_a_wish_to_stop_ends_every_part(cluster, make_topic):
    stop = Shutdown()
    worker = driven(cluster, make_topic(), stop=stop)
    worker.turn()
    stop.ask()
    (part,) = worker.parts.values()
    with pytest.raises(StopIteration):
        part.next_batch()
    worker.close()


def test_a_full_lane_is_paused_and_loses_nothing(cluster, make_topic, monkeypatch):
    monkeypatch.setattr(hub, "FULL_MESSAGES", 100)
    monkeypatch.setattr(hub, "AT_ONCE", 50)
    topic = make_topic(2)
    produce(cluster, topic, numbers(0, 3000), 0)
    produce(cluster, topic, numbers(0, 3000), 1)
    worker = driven(cluster, topic, most_ahead_s=math.inf)
    slow, quick = worker.parts[f"{topic}/0000"], worker.parts[f"{topic}/0001"]
    until(lambda: (quick.next_batch() and False) or (slow.lane.paused and len(quick.judge.seen) == 3000))
    assert len(slow.lane.waiting) <= 150
    worker.until(lambda: len(slow.judge.seen) >= 3000)
    assert worker.values(slow.lane.name) == worker.values(quick.lane.name) == numbers(0, 3000)
    worker.close()


def test_a_part_far_ahead_waits_for_the_slowest(cluster, make_topic):
    topic = make_topic(2)
    produce(cluster, topic, numbers(0, 2000), 0, timestamp_s=1_700_000_000)
    produce(cluster, topic, numbers(0, 10), 1, timestamp_s=1_700_009_000)
    worker = driven(cluster, topic)
    slow, ahead = worker.parts[f"{topic}/0000"], worker.parts[f"{topic}/0001"]
    until(lambda: (ahead.next_batch() and False) or ahead.judge.seen)
    produce(cluster, topic, numbers(10, 20), 1, timestamp_s=1_700_009_000)
    until(lambda: (ahead.next_batch() and False) or ahead.meter().held)
    assert worker.values(ahead.lane.name) == numbers(0, 10)
    worker.until(lambda: len(slow.judge.seen) == 2000 and len(ahead.judge.seen) == 20)
    assert not ahead.meter().held
    worker.close()


def test_a_part_read_to_its_end_is_not_slow(cluster, make_topic):
    topic = make_topic(2)
    produce(cluster, topic, numbers(0, 10), 0, timestamp_s=1_700_000_000)
    worker = driven(cluster, topic)
    worker.until(lambda: all(part.proved() for part in worker.parts.values()))
    produce(cluster, topic, numbers(0, 10), 1, timestamp_s=1_700_009_000)
    produce(cluster, topic, numbers(10, 20), 1, timestamp_s=1_700_019_000)
    worker.until(lambda: len(worker.values(f"{topic}/0001")) == 20)
    worker.close()


def test_silence_is_told_only_when_the_broker_proved_the_end(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, numbers(0, 3000))
    before_s = time.time()
    worker = driven(cluster, topic)
    (part,) = worker.parts.values()
    judge = part.judge
    worker.until(lambda: judge.idles)
    assert len(judge.seen) == 3000
    assert before_s <= judge.idles[0] <= time.time()
    told = len(judge.idles)
    worker.until(lambda: len(judge.idles) > told)
    assert sorted(set(judge.idles)) == judge.idles
    assert part.meter() == (0, 0, False)
    worker.close()


def test_only_a_fresh_answer_and_the_whole_way_to_it_prove_the_end(cluster):
    ends = Ends(cluster)
    place = ("events", 0)
    assert ends.proved(place, 10) is None
    assert ends.lag(place, 10) is None
    ends.answer = Answer({place: 10}, time.monotonic(), 1.7e9)
    assert ends.proved(place, 9) is None
    assert ends.lag(place, 9) == 1
    assert ends.proved(place, 10) == 1.7e9
    ends.answer = Answer({place: 10}, time.monotonic() - 1.1, 1.7e9)
    assert ends.proved(place, 10) is None
    ends.close()


def test_the_end_of_a_transaction_is_the_end_of_the_partition(cluster, make_topic):
    topic = make_topic()
    client = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": topic})
    client.init_transactions(20)
    client.begin_transaction()
    client.produce(topic, b"in a transaction")
    client.commit_transaction(20)
    worker = driven(cluster, topic)
    (part,) = worker.parts.values()
    worker.until(lambda: part.judge.idles)
    assert worker.values(part.lane.name) == [b"in a transaction"]
    worker.close()


def test_an_idle_source_sleeps_and_a_busy_one_does_not(cluster, make_topic):
    topic = make_topic()
    worker = driven(cluster, topic)
    (part,) = worker.parts.values()
    worker.until(lambda: part.judge.idles)
    part.next_batch()
    assert part.next_awake() is not None
    produce(cluster, topic, [b"now"])
    until(part.next_batch)
    assert part.next_awake() is None
    worker.close()


@pytest.mark.parametrize("offset", [700, 5])
def test_an_offset_that_is_not_retained_stops_the_worker_with_words(cluster, make_topic, offset):
    topic = make_topic()
    name = f"{topic}/0000"
    produce(cluster, topic, numbers(0, 100))
    client = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for done in client.delete_records([TopicPartition(topic, 0, 50)]).values():
        done.result(20)
    worker = driven(cluster, topic, first={name: offset})
    with pytest.raises(
        SetupError, match=f"{name} cannot be read on from offset {offset}.* retains is 50 to 100"
    ):
        worker.until(lambda: False)
    assert worker.values(name) == []
    worker.close()


def test_the_group_hears_of_the_snapshot_before_the_last(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, numbers(0, 10))
    worker = driven(cluster, topic)
    (part,) = worker.parts.values()
    worker.until(lambda: len(part.judge.seen) == 10)
    part.snapshot()
    produce(cluster, topic, numbers(10, 15))
    worker.until(lambda: len(part.judge.seen) == 15)
    part.snapshot()
    reader = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": cluster.group})
    worker.until(lambda: reader.committed([TopicPartition(topic, 0)], 20)[0].offset == 10)
    reader.close()
    worker.close()


def test_a_partition_added_later_is_read_from_its_beginning(cluster, make_topic):
    topic = make_topic()
    client = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for done in client.create_partitions([NewPartitions(topic, 2)]).values():
        done.result(20)
    until(lambda: len(topics.parts_of(cluster, [topic])) == 2)
    produce(cluster, topic, numbers(0, 5), 1)
    worker = driven(cluster, topic)
    worker.until(lambda: len(worker.values(f"{topic}/0001")) == 5)
    worker.close()


def test_reading_goes_on_after_the_broker_was_killed_and_a_dead_one_proves_nothing(killable_broker):
    cluster = Cluster(killable_broker.bootstrap)
    topics.ensure_topics(cluster, {"events": 2})
    for partition in range(2):
        produce(cluster, "events", numbers(0, 500), partition)
    killable_broker.keep()
    worker = driven(cluster, "events")
    parts = list(worker.parts.values())
    worker.until(lambda: all(part.judge.idles for part in parts))
    killable_broker.kill()
    assert killable_broker.refuses()
    worker.until(lambda: not any(part.proved() for part in parts))
    told = [len(part.judge.idles) for part in parts]
    worker.until(lambda: time.monotonic() > parts[0]._hub.ends.answer.asked_s + 2)
    assert [len(part.judge.idles) for part in parts] == told
    killable_broker.start()
    for partition in range(2):
        produce(cluster, "events", numbers(500, 1000), partition)
    worker.until(lambda: all(len(part.judge.seen) >= 1000 for part in parts), 40)
    worker.until(lambda: [len(part.judge.idles) for part in parts] > told, 40)
    for part in parts:
        assert worker.values(part.lane.name) == numbers(0, 1000)
    worker.close()


def test_settings_of_librdkafka_go_through(cluster, monkeypatch):
    monkeypatch.setattr(topics, "ANSWER_S", 0.5)
    secure = cluster._replace(settings={"security.protocol": "ssl"})
    with pytest.raises(SetupError, match="no Kafka broker answers at"):
        topics.parts_of(secure, ["any"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fetch.spped": 1}, 'Kafka refuses the settings: No such configuration property: "fetch.spped"'),
        ({"auto.offset.reset": "latest"}, "Kafka setting `auto.offset.reset` is always error here"),
    ],
)
def test_wrong_settings_are_refused_with_words(cluster, settings, words):
    with pytest.raises(SetupError, match=words):
        topics.parts_of(cluster._replace(settings=settings), ["any"])


def test_a_topic_that_is_not_there_is_named(cluster):
    with pytest.raises(SetupError, match="topic no-such does not exist on"):
        topics.parts_of(cluster, ["no-such"])


def test_topics_are_made_once_with_the_partitions_wanted(cluster, make_topic):
    there = make_topic(3)
    new = f"{there}-new"
    assert topics.ensure_topics(cluster, {there: 8, new: 2}) == {there: 3, new: 2}
    assert topics.parts_of(cluster, [new]) == [f"{new}/0000", f"{new}/0001"]
    assert topics.ends(cluster, []) == {}


def test_a_part_that_said_nothing_is_the_slowest(cluster, make_topic):
    worker = driven(cluster, make_topic(2))
    first, _ = worker.parts.values()
    first.judge.greatest_s = 1_700_000_000.0
    assert first._pace.holds(first)
    first.judge.greatest_s = -math.inf
    first._pace._round = -2
    assert not first._pace.holds(first)
    worker.close()


def test_troubles_of_the_connection_are_logged_in_bursts(monkeypatch):
    now = iter([0.0, 1.0, 2.0, 11.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    burst = Burst()
    records = [logging.makeLogRecord({"msg": "%s refused", "args": (number,)}) for number in range(4)]
    assert [burst.filter(record) for record in records] == [True, False, False, True]
    assert records[3].getMessage() == "3 refused (2 like it not shown)"
    assert not burst.filter(logging.makeLogRecord({"msg": "CONFWARN acks is a producer property"}))
