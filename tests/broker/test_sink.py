"""The Kafka sink: every record is in its topic once, and nothing is sealed that was not acknowledged."""

import time

import pytest
from confluent_kafka import Producer, TopicPartition

from flows.kafka import topics
from flows.kafka.cluster import Cluster
from flows.kafka.producer import NotDeliveredError, RecordProducer
from flows.kafka.sink import KafkaSink, murmur2
from flows.worker.shutdown import Shutdown
from tests.broker.driving import ids, output, produce, read_all, until
from tests.brokers import administer

pytestmark = pytest.mark.broker

IMPATIENT = {"delivery.timeout.ms": 4000, "request.timeout.ms": 2000}


def ends_of(cluster, topic):
    return topics.end_offsets(cluster, topics.partitions_of(cluster, [topic]))


def sink_of(cluster, topic, start=None, on_delivered=None, **settings):
    producer = RecordProducer(cluster, on_delivered)
    return KafkaSink(cluster, start or ends_of(cluster, topic), producer, **settings)


def partition_of(cluster, topic, state=None, **more):
    return sink_of(cluster, topic, **more).build_part("sink", f"{topic}/0000", state)


def test_a_record_has_its_key_its_id_its_type_and_its_headers(cluster, make_topic):
    topic = make_topic()
    partition = partition_of(cluster, topic)
    partition.write_batch([output("o-1", key="v1", value=b"{}", headers=(("class", b"late"),))])
    partition.write_batch([output("o-2", key="")])
    partition.snapshot()
    first, second = read_all(cluster, topic)
    assert (first.key(), first.value()) == (b"v1", b"{}")
    assert first.headers() == [("ce_id", b"o-1"), ("ce_type", b"offer.decided"), ("class", b"late")]
    assert second.key() is None


def test_a_key_goes_where_java_producers_put_it(cluster, make_topic):
    topic = make_topic(5)
    java = Producer({"bootstrap.servers": cluster.bootstrap, "partitioner": "murmur2_random"})
    for number in range(200):
        java.produce(topic, b"", f"visitör-{number}".encode())
    assert java.flush(20) == 0
    sink = sink_of(cluster, topic)
    parts = sink.list_parts()
    assert parts == sorted(parts)
    for record in read_all(cluster, topic):
        chosen = parts[sink.part_fn(record.key().decode()) % len(parts)]
        assert chosen == f"{topic}/{record.partition():04d}"
    assert murmur2("x") >= 0


def test_a_snapshot_is_the_end_of_what_is_acknowledged(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, [b"of another producer"] * 3)
    partition = partition_of(cluster, topic)
    assert partition.snapshot() == (1, 3, ())
    partition.write_batch([output(f"o-{number}") for number in range(10)])
    assert partition.snapshot() == (1, 13, ())


def test_what_was_written_after_the_snapshot_is_not_written_again(cluster, make_topic):
    topic = make_topic()
    partition = partition_of(cluster, topic)
    partition.write_batch([output("o-0")])
    state = partition.snapshot()
    partition.write_batch([output("o-1"), output("o-2")])
    partition.close()
    produce(cluster, topic, [b"of another producer"], headers=[("trace", b"1")])
    resumed = partition_of(cluster, topic, state)
    resumed.write_batch([output("o-1"), output("o-2"), output("o-3")])
    assert resumed.snapshot() == (1, 5, ())
    assert [dict(one.headers()).get("ce_id") for one in read_all(cluster, topic)] == [
        *(b"o-0", b"o-1", b"o-2"),
        *(None, b"o-3"),
    ]


def test_without_a_snapshot_the_scan_starts_at_the_offset_of_the_first_start(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, [b"old"], headers=[("ce_id", b"o-1")])
    start = ends_of(cluster, topic)
    partition = partition_of(cluster, topic, start=start)
    partition.write_batch([output("o-1")])
    partition.close()
    resumed = partition_of(cluster, topic, start=start)
    resumed.write_batch([output("o-1"), output("o-2")])
    resumed.close()
    assert ids(cluster, topic) == ["o-1", "o-1", "o-2"]


def test_what_was_not_emitted_again_yet_is_remembered_over_the_next_crash(cluster, make_topic):
    topic = make_topic()
    partition = partition_of(cluster, topic)
    state = partition.snapshot()
    partition.write_batch([output("o-1"), output("o-2")])
    partition.close()
    after_a_crash = partition_of(cluster, topic, state)
    after_a_crash.write_batch([output("o-1"), output("o-3")])
    state = after_a_crash.snapshot()
    assert [id_ for id_, _ in state[2]] == ["o-2"]
    after_the_next = partition_of(cluster, topic, state)
    after_the_next.write_batch([output("o-2"), output("o-4")])
    assert after_the_next.snapshot()[2] == ()
    assert ids(cluster, topic) == ["o-1", "o-2", "o-3", "o-4"]


def test_what_is_never_emitted_again_is_forgotten_after_a_time(cluster, make_topic):
    topic = make_topic()
    partition = partition_of(cluster, topic)
    state = partition.snapshot()
    partition.write_batch([output("o-1")])
    partition.close()
    resumed = partition_of(cluster, topic, state)
    assert len(resumed.snapshot()[2]) == 1
    a_day_later = partition_of(cluster, topic, state, already_written_ttl_s=-60.0)
    assert a_day_later.snapshot()[2] == ()


def test_a_resume_scan_starts_at_what_retention_left(cluster, make_topic):
    topic = make_topic()
    partition = partition_of(cluster, topic)
    state = partition.snapshot()
    partition.write_batch([output(f"o-{number}") for number in range(10)])
    partition.close()
    administer(cluster.bootstrap, lambda client: client.delete_records([TopicPartition(topic, 0, 4)]))
    resumed = partition_of(cluster, topic, state)
    resumed.write_batch([output("o-9"), output("o-10")])
    resumed.snapshot()
    assert ids(cluster, topic)[-2:] == ["o-9", "o-10"]


def test_a_topic_that_ends_before_what_was_written_is_logged(cluster, make_topic, caplog):
    topic = make_topic()
    partition = partition_of(cluster, topic, (1, 57, ()))
    assert f"{topic}/0000 ends at 0, but 57 was written" in caplog.text
    partition.write_batch([output("o-1")])
    assert partition.snapshot() == (1, 1, ())


def test_a_full_queue_is_waited_for(cluster, make_topic):
    topic = make_topic()
    narrow = cluster._replace(settings={"queue.buffering.max.messages": 10})
    partition = partition_of(narrow, topic)
    partition.write_batch([output(f"o-{number}") for number in range(500)])
    partition.snapshot()
    assert ids(cluster, topic) == [f"o-{number}" for number in range(500)]


def test_a_record_that_is_too_large_stops_the_worker(cluster, make_topic):
    topic = make_topic()
    partition = partition_of(cluster, topic)
    with pytest.raises(NotDeliveredError, match=f"{topic}/0: offer.decided o-1 is refused: .*too large"):
        partition.write_batch([output("o-1", value=b"x" * 2_000_000)])
    with pytest.raises(NotDeliveredError):
        partition.snapshot()


def test_a_callback_gets_each_record_with_its_acknowledgement_time(cluster, make_topic):
    delivered = []
    partition = partition_of(
        cluster, make_topic(), on_delivered=lambda one, at_s: delivered.append((one, at_s))
    )
    before_s = time.time()
    partition.write_batch([output("o-1", since_s=before_s)])
    partition.snapshot()
    ((one, at_s),) = delivered
    assert one.id == "o-1"
    assert before_s - 0.002 <= at_s <= time.time() + 0.002


def test_a_snapshot_is_refused_when_the_broker_is_gone(killable_broker):
    cluster = Cluster(killable_broker.bootstrap, settings=IMPATIENT)
    topics.ensure_topics(cluster, {"offers": 1})
    partition = partition_of(cluster, "offers")
    partition.write_batch([output("o-1")])
    partition.snapshot()
    killable_broker.kill()
    assert killable_broker.refuses()
    partition.write_batch([output("o-2")])
    with pytest.raises(NotDeliveredError, match=r"offers/0: offer\.decided o-2 was not delivered"):
        partition.snapshot()
    partition.close()


@pytest.mark.parametrize("then", ["snapshot", "write", "check"])
def test_a_shutdown_ends_the_wait_for_a_broker_that_is_gone(killable_broker, then):
    cluster = Cluster(killable_broker.bootstrap, settings={"queue.buffering.max.messages": 2})
    topics.ensure_topics(cluster, {"offers": 1})
    shutdown = Shutdown(grace_s=0.0)
    producer = RecordProducer(cluster, shutdown=shutdown)
    partition = KafkaSink(cluster, {"offers/0000": 0}, producer).build_part("sink", "offers/0000", None)
    killable_broker.kill()
    assert killable_broker.refuses()
    partition.write_batch([output("o-1"), output("o-2")])
    until(lambda: len(producer._producer) > 2)  # the client's own events wait in its queue beside the records
    shutdown.request()
    steps = {"snapshot": partition.snapshot, "write": lambda: partition.write_batch([output("o-3")])}
    with pytest.raises(
        NotDeliveredError, match="2 records were not delivered when the time to stop was over"
    ):
        steps.get(then, producer._check)()
    partition.close()


def test_what_was_in_flight_when_the_broker_died_arrives_once_when_it_is_back(killable_broker):
    cluster = Cluster(killable_broker.bootstrap)
    topics.ensure_topics(cluster, {"offers": 1})
    partition = partition_of(cluster, "offers")
    partition.write_batch([output(f"o-{number}") for number in range(100)])
    partition.snapshot()
    killable_broker.keep()
    killable_broker.kill()
    assert killable_broker.refuses()
    partition.write_batch([output(f"o-{number}") for number in range(100, 200)])
    killable_broker.start()
    assert partition.snapshot() == (1, 200, ())
    until(lambda: ids(cluster, "offers") == [f"o-{number}" for number in range(200)])
