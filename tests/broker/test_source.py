"""The Kafka source: every record once, in order, whatever happens to it or to the broker."""

import logging
import math
import time
from functools import partial
from unittest.mock import Mock

import msgspec
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.cimpl import NewPartitions

from flows.kafka import records, shared_consumer, topics
from flows.kafka.cluster import Cluster, RateLimitFilter
from flows.kafka.end_offsets import EndOffsets, EndOffsetsReply
from flows.kafka.shared_consumer import BufferLimits
from flows.kafka.source import KafkaSource
from flows.worker.shutdown import Shutdown
from schemas.errors import BrokerError
from tests.broker.driving import Driver, PassThrough, produce, produce_in_transaction, until
from tests.brokers import administer, answered

pytestmark = pytest.mark.broker

LATELY_S = int(time.time()) - 30_000
"""A broker may delete records that say they are years old, now or in the middle of a test."""


def numbers(start, end):
    return [b"%d" % one for one in range(start, end)]


def source_of(cluster, topic, *, start=None, shutdown=None, max_lead_s=300.0, **more):
    start = start or topics.beginning_offsets(cluster, topics.partitions_of(cluster, [topic]))
    return KafkaSource(cluster, start, PassThrough, shutdown or Shutdown(), max_lead_s=max_lead_s, **more)


def driven(cluster, topic, states=None, **more):
    return Driver(source_of(cluster, topic, **more), states)


def test_every_partition_is_read_in_order_by_one_consumer(cluster, make_topic):
    topic = make_topic(3)
    for partition in range(3):
        produce(cluster, topic, numbers(0, 2500), partition)
    driver = driven(cluster, topic)
    driver.until(lambda: all(len(partition.reader.seen) >= 2500 for partition in driver.partitions.values()))
    for partition in range(3):
        assert driver.values(f"{topic}/{partition:04d}") == numbers(0, 2500)
    driver.close()


def test_a_record_has_its_key_headers_offset_and_time(cluster, make_topic):
    topic = make_topic(2)
    produce(cluster, topic, [b"v"], 1, key=b"k", timestamp_s=1700000000.5, headers=[("a", b"b")])
    produce(cluster, topic, [None], 1)
    driver = driven(cluster, topic)
    partition = driver.partitions[f"{topic}/0001"]
    driver.until(lambda: len(partition.reader.seen) == 2)
    assert msgspec.structs.astuple(partition.reader.seen[0]) == (
        b"v",
        b"k",
        (("a", b"b"),),
        topic,
        1,
        0,
        1700000000.5,
        "CreateTime",
        None,
    )
    assert msgspec.structs.astuple(partition.reader.seen[1])[:6] == (None, None, (), topic, 1, 1)
    driver.close()


def test_a_resumed_partition_emits_its_watermark_again_and_reads_on(cluster, make_topic):
    topic = make_topic()
    name = f"{topic}/0000"
    produce(cluster, topic, numbers(0, 10))
    driver = driven(cluster, topic)
    driver.until(lambda: len(driver.values(name)) == 10)
    state = driver.partitions[name].snapshot()
    driver.close()
    produce(cluster, topic, numbers(10, 20))
    resumed = driven(cluster, topic, {name: state})
    assert resumed.round()[0].id == "resumed"
    resumed.until(lambda: len(resumed.values(name)) >= 10)
    assert resumed.values(name) == numbers(10, 20)
    resumed.close()


def test_a_shutdown_ends_every_partition(cluster, make_topic):
    shutdown = Shutdown()
    driver = driven(cluster, make_topic(), shutdown=shutdown)
    driver.round()
    shutdown.request()
    (partition,) = driver.partitions.values()
    with pytest.raises(StopIteration):
        partition.next_batch()
    driver.close()


def test_a_full_buffer_is_paused_and_loses_nothing(cluster, make_topic):
    topic = make_topic(2)
    produce(cluster, topic, numbers(0, 3000), 0)
    produce(cluster, topic, numbers(0, 3000), 1)
    limits = BufferLimits(records=100, poll_records=50)
    driver = driven(cluster, topic, max_lead_s=math.inf, limits=limits)
    slow, quick = driver.partitions[f"{topic}/0000"], driver.partitions[f"{topic}/0001"]
    until(
        lambda: (quick.next_batch() and False) or (slow.buffer.is_paused and len(quick.reader.seen) == 3000)
    )
    assert len(slow.buffer.records) <= 150
    driver.until(lambda: len(slow.reader.seen) >= 3000)
    assert driver.values(slow.buffer.name) == driver.values(quick.buffer.name) == numbers(0, 3000)
    driver.close()


def test_a_partition_far_ahead_waits_for_the_slowest(cluster, make_topic):
    topic = make_topic(2)
    produce(cluster, topic, numbers(0, 2000), 0, timestamp_s=LATELY_S)
    produce(cluster, topic, numbers(0, 10), 1, timestamp_s=LATELY_S + 9_000)
    driver = driven(cluster, topic)
    slow, ahead = driver.partitions[f"{topic}/0000"], driver.partitions[f"{topic}/0001"]
    until(lambda: (ahead.next_batch() and False) or ahead.reader.seen)
    produce(cluster, topic, numbers(10, 20), 1, timestamp_s=LATELY_S + 9_000)
    until(lambda: (ahead.next_batch() and False) or ahead.status().is_held_back)
    assert driver.values(ahead.buffer.name) == numbers(0, 10)
    driver.until(lambda: len(slow.reader.seen) == 2000 and len(ahead.reader.seen) == 20)
    assert not ahead.status().is_held_back
    driver.close()


def test_topics_that_are_read_first_wait_for_no_other_and_all_others_wait_for_what_stood_in_them(
    cluster, make_topic
):
    first, other = make_topic(2), make_topic()
    produce(cluster, first, numbers(0, 30), 0, timestamp_s=LATELY_S + 9_000)
    produce(cluster, other, numbers(0, 10), timestamp_s=LATELY_S)
    start = topics.beginning_offsets(cluster, topics.partitions_of(cluster, [first, other]))
    limits = BufferLimits(poll_records=10)
    driver = driven(cluster, first, start=start, first=[first], limits=limits)
    catalog, events = driver.partitions[f"{first}/0000"], driver.partitions[f"{other}/0000"]
    seen = []
    driver.until(
        lambda: seen.append((len(catalog.reader.seen), len(events.reader.seen))) or seen[-1] == (30, 10)
    )
    assert [read for read, _ in seen if read < 30] != []
    assert {waiting for read, waiting in seen if read < 30} == {0}
    produce(cluster, other, numbers(10, 20), timestamp_s=LATELY_S)
    driver.until(lambda: len(events.reader.seen) == 20)
    driver.close()


def test_a_partition_waits_at_a_record_that_is_not_ready_and_others_are_read(cluster, make_topic):
    topic = make_topic(2)
    waiting_for = {b"5"}

    def ready(messages):
        at = (at for at, one in enumerate(messages) if one.partition == 0 and one.value in waiting_for)
        return next(at, len(messages))

    for partition in range(2):
        produce(cluster, topic, numbers(0, 10), partition)
    driver = driven(cluster, topic, ready=ready)
    waits, other = driver.partitions[f"{topic}/0000"], driver.partitions[f"{topic}/0001"]
    driver.until(lambda: waits.status() == (5, 5, True) and other.caught_up_at() is not None)
    assert driver.values(waits.buffer.name) == numbers(0, 5)
    assert driver.values(other.buffer.name) == numbers(0, 10)
    assert waits.caught_up_at() is None
    assert waits.reader.idles == []
    assert PassThrough(waits.buffer.name, waits.snapshot()).next_offset == 5
    produce(cluster, topic, numbers(10, 20))
    waiting_for.clear()
    driver.until(lambda: len(waits.reader.seen) == 20 and waits.caught_up_at() is not None)
    assert driver.values(waits.buffer.name) == numbers(0, 20)
    assert waits.status() == (0, 0, False)
    driver.close()


def test_a_partition_read_to_its_end_is_not_slow(cluster, make_topic):
    topic = make_topic(2)
    produce(cluster, topic, numbers(0, 10), 0, timestamp_s=LATELY_S)
    driver = driven(cluster, topic)
    driver.until(lambda: all(partition.caught_up_at() for partition in driver.partitions.values()))
    produce(cluster, topic, numbers(0, 10), 1, timestamp_s=LATELY_S + 9_000)
    produce(cluster, topic, numbers(10, 20), 1, timestamp_s=LATELY_S + 19_000)
    driver.until(lambda: len(driver.values(f"{topic}/0001")) == 20)
    driver.close()


def test_a_partition_is_idle_only_when_the_broker_proved_its_end(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, numbers(0, 3000))
    before_s = time.time()
    driver = driven(cluster, topic)
    (partition,) = driver.partitions.values()
    reader = partition.reader
    driver.until(lambda: reader.idles)
    assert len(reader.seen) == 3000
    assert before_s <= reader.idles[0] <= time.time()
    reported = len(reader.idles)
    driver.until(lambda: len(reader.idles) > reported)
    assert sorted(set(reader.idles)) == reader.idles
    assert partition.status() == (0, 0, False)
    driver.close()


def test_only_a_recent_reply_and_reading_up_to_it_prove_the_end(cluster):
    ends = EndOffsets(cluster)
    partition = ("events", 0)
    assert ends.caught_up_at(partition, 10) is None
    assert ends.lag(partition, 10) is None
    ends.reply = EndOffsetsReply({partition: 10}, time.monotonic(), 1.7e9)
    assert ends.caught_up_at(partition, 9) is None
    assert ends.lag(partition, 9) == 1
    assert ends.caught_up_at(partition, 10) == 1.7e9
    ends.reply = EndOffsetsReply({partition: 10}, time.monotonic() - 1.1, 1.7e9)
    assert ends.caught_up_at(partition, 10) is None
    ends.close()


def test_the_end_of_a_transaction_is_the_end_of_the_partition(cluster, make_topic):
    topic = make_topic()
    produce_in_transaction(cluster, topic, b"in a transaction")
    driver = driven(cluster, topic)
    (partition,) = driver.partitions.values()
    driver.until(lambda: partition.reader.idles)
    assert driver.values(partition.buffer.name) == [b"in a transaction"]
    driver.close()


def test_an_idle_source_waits_for_records_and_a_busy_one_does_not(cluster, make_topic, monkeypatch):
    topic, waits = make_topic(), []

    def consume(client, limit, timeout_s):
        waits.append(timeout_s)
        return records.consume(client, limit, timeout_s)

    monkeypatch.setattr(shared_consumer, "consume", consume)
    driver = driven(cluster, topic)
    (partition,) = driver.partitions.values()
    driver.until(lambda: partition.reader.idles)
    partition.next_batch()
    partition.next_batch()
    assert waits[-1] == shared_consumer.IDLE_WAIT_S
    produce(cluster, topic, [b"now"])
    until(partition.next_batch)
    partition.next_batch()
    assert waits[-1] == 0
    driver.close()


def test_a_source_never_lets_the_engine_wait_by_the_machines_clock(cluster, make_topic):
    driver = driven(cluster, make_topic())
    (partition,) = driver.partitions.values()
    driver.until(lambda: partition.reader.idles)
    assert partition.next_awake().timestamp() == 0
    driver.close()


def test_time_comes_from_the_clock_that_a_source_is_given(cluster, make_topic):
    topic = make_topic()
    driver = driven(cluster, topic, clock=lambda: time.time() - 50.0)
    (partition,) = driver.partitions.values()
    driver.until(lambda: partition.reader.idles)
    assert -55.0 < partition.reader.idles[-1] - time.time() < -45.0
    driver.close()


@pytest.mark.parametrize("offset", [700, 5])
def test_an_offset_that_is_not_retained_stops_the_worker(cluster, make_topic, offset):
    topic = make_topic()
    name = f"{topic}/0000"
    produce(cluster, topic, numbers(0, 100))
    administer(cluster.bootstrap, lambda client: client.delete_records([TopicPartition(topic, 0, 50)]))
    driver = driven(cluster, topic, start={name: offset})
    words = f"{name} cannot be read on from offset {offset}.* retains is 50 to 100.* a new state directory$"
    with pytest.raises(BrokerError, match=words):
        driver.until(lambda: False)
    assert driver.values(name) == []
    driver.close()


def test_a_record_that_the_client_cannot_read_stops_the_worker(cluster, make_topic):
    driver = driven(cluster, make_topic())
    (partition,) = driver.partitions.values()
    unreadable = Mock(**{"error.return_value": KafkaError(KafkaError._BAD_MSG, "bad checksum")})
    unreadable.topic.return_value, unreadable.partition.return_value = "events", 3
    with pytest.raises(BrokerError, match="events/3 cannot be read: bad checksum"):
        partition._consumer._dispatch([unreadable])
    driver.close()


def test_the_snapshot_before_the_last_is_committed_to_the_group(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, numbers(0, 10))
    driver = driven(cluster, topic)
    (partition,) = driver.partitions.values()
    driver.until(lambda: len(partition.reader.seen) == 10)
    partition.snapshot()
    produce(cluster, topic, numbers(10, 15))
    driver.until(lambda: len(partition.reader.seen) == 15)
    partition.snapshot()
    reader = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": cluster.group})
    committed = partial(answered, lambda: reader.committed([TopicPartition(topic, 0)], 20))
    driver.until(lambda: committed()[0].offset == 10)
    reader.close()
    driver.close()


def test_a_partition_added_later_is_read_from_its_beginning(cluster, make_topic):
    topic = make_topic()
    administer(cluster.bootstrap, lambda client: client.create_partitions([NewPartitions(topic, 2)]))
    until(lambda: len(topics.partitions_of(cluster, [topic])) == 2)
    produce(cluster, topic, numbers(0, 5), 1)
    driver = driven(cluster, topic)
    driver.until(lambda: len(driver.values(f"{topic}/0001")) == 5)
    driver.close()


def test_reading_goes_on_after_the_broker_was_killed_and_a_dead_broker_proves_nothing(killable_broker):
    cluster = Cluster(killable_broker.bootstrap)
    topics.ensure_topics(cluster, {"events": 2})
    for partition in range(2):
        produce(cluster, "events", numbers(0, 500), partition)
    killable_broker.keep()
    driver = driven(cluster, "events")
    partitions = list(driver.partitions.values())
    driver.until(lambda: all(partition.reader.idles for partition in partitions))
    killable_broker.kill()
    assert killable_broker.refuses()
    driver.until(lambda: not any(partition.caught_up_at() for partition in partitions))
    reported = [len(partition.reader.idles) for partition in partitions]
    driver.until(lambda: time.monotonic() > partitions[0]._consumer.end_offsets.reply.asked_monotonic_s + 2)
    assert [len(partition.reader.idles) for partition in partitions] == reported
    killable_broker.start()
    for partition in range(2):
        produce(cluster, "events", numbers(500, 1000), partition)
    driver.until(lambda: all(len(partition.reader.seen) >= 1000 for partition in partitions), 40)
    driver.until(lambda: [len(partition.reader.idles) for partition in partitions] > reported, 40)
    for partition in partitions:
        assert driver.values(partition.buffer.name) == numbers(0, 1000)
    driver.close()


def test_a_partition_that_has_read_nothing_is_the_slowest(cluster, make_topic):
    driver = driven(cluster, make_topic(2))
    first, _ = driver.partitions.values()
    first.reader.greatest_s = 1_700_000_000.0
    assert first._limiter.holds_back(first)
    first.reader.greatest_s = -math.inf
    first._limiter._round = -2
    assert not first._limiter.holds_back(first)
    driver.close()


def test_connection_errors_are_logged_once_in_ten_seconds(monkeypatch):
    now = iter([0.0, 1.0, 2.0, 11.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    rate_limit = RateLimitFilter()
    records = [logging.makeLogRecord({"msg": "%s refused", "args": (number,)}) for number in range(4)]
    assert [rate_limit.filter(record) for record in records] == [True, False, False, True]
    assert records[3].getMessage() == "3 refused (2 like it not shown)"
    assert not rate_limit.filter(logging.makeLogRecord({"msg": "CONFWARN acks is a producer property"}))
