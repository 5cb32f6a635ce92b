"""The Kafka sink: every record stands once in its topic, and nothing is sealed that was not acknowledged."""

import time

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from flows.kafka import sink as sink_module
from flows.kafka import topics
from flows.kafka.cluster import Cluster
from flows.kafka.producer import NotDeliveredError, RecordProducer
from flows.kafka.sink import KafkaSink, murmur2
from flows.worker.shutdown import Shutdown
from tests.broker.driving import ids, produce, read_all, said, until

pytestmark = pytest.mark.broker

IMPATIENT = {"delivery.timeout.ms": 2000, "request.timeout.ms": 1000}


def sink_of(cluster, topic, first=None, heard=None):
    first = first or topics.ends(cluster, topics.parts_of(cluster, [topic]))
    return KafkaSink(cluster, first, RecordProducer(cluster, heard))


def part_of(cluster, topic, state=None, first=None, heard=None):
    return sink_of(cluster, topic, first, heard).build_part("sink", f"{topic}/0000", state)


def test_a_record_stands_with_its_key_its_id_its_type_and_its_headers(cluster, make_topic):
    topic = make_topic()
    part = part_of(cluster, topic)
    part.write_batch([said("o-1", key="v1", value=b"{}", headers=(("class", b"late"),))])
    part.write_batch([said("o-2", key="")])
    part.snapshot()
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
    produce(cluster, topic, [b"somebody else's"] * 3)
    part = part_of(cluster, topic)
    assert part.snapshot() == (1, 3, ())
    part.write_batch([said(f"o-{number}") for number in range(10)])
    assert part.snapshot() == (1, 13, ())


def test_what_was_written_after_the_snapshot_is_not_written_again(cluster, make_topic):
    topic = make_topic()
    part = part_of(cluster, topic)
    part.write_batch([said("o-0")])
    state = part.snapshot()
    part.write_batch([said("o-1"), said("o-2")])
    part.close()
    produce(cluster, topic, [b"somebody else's"], headers=[("trace", b"1")])
    again = part_of(cluster, topic, state)
    again.write_batch([said("o-1"), said("o-2"), said("o-3")])
    assert again.snapshot() == (1, 5, ())
    assert [dict(one.headers()).get("ce_id") for one in read_all(cluster, topic)] == [
        *(b"o-0", b"o-1", b"o-2"),
        *(None, b"o-3"),
    ]


def test_without_a_snapshot_the_offset_of_the_first_start_is_where_to_look(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, [b"old"], headers=[("ce_id", b"o-1")])
    first = topics.ends(cluster, topics.parts_of(cluster, [topic]))
    part = part_of(cluster, topic, first=first)
    part.write_batch([said("o-1")])
    part.close()
    again = part_of(cluster, topic, first=first)
    again.write_batch([said("o-1"), said("o-2")])
    again.close()
    assert ids(cluster, topic) == ["o-1", "o-1", "o-2"]


def test_what_was_not_said_again_yet_is_remembered_over_the_next_crash(cluster, make_topic):
    topic = make_topic()
    part = part_of(cluster, topic)
    state = part.snapshot()
    part.write_batch([said("o-1"), said("o-2")])
    part.close()
    after_a_crash = part_of(cluster, topic, state)
    after_a_crash.write_batch([said("o-1"), said("o-3")])
    state = after_a_crash.snapshot()
    assert [id_ for id_, _ in state[2]] == ["o-2"]
    after_the_next = part_of(cluster, topic, state)
    after_the_next.write_batch([said("o-2"), said("o-4")])
    assert after_the_next.snapshot()[2] == ()
    assert ids(cluster, topic) == ["o-1", "o-2", "o-3", "o-4"]


def test_what_is_never_said_again_is_forgotten_after_a_day(cluster, make_topic, monkeypatch):
    topic = make_topic()
    part = part_of(cluster, topic)
    state = part.snapshot()
    part.write_batch([said("o-1")])
    part.close()
    again = part_of(cluster, topic, state)
    assert len(again.snapshot()[2]) == 1
    monkeypatch.setattr(sink_module, "SAID_AGAIN_WITHIN_S", -60.0)
    assert again.snapshot()[2] == ()


def test_a_tail_that_retention_took_is_read_from_what_is_left(cluster, make_topic):
    topic = make_topic()
    part = part_of(cluster, topic)
    state = part.snapshot()
    part.write_batch([said(f"o-{number}") for number in range(10)])
    part.close()
    client = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for done in client.delete_records([TopicPartition(topic, 0, 4)]).values():
        done.result(20)
    again = part_of(cluster, topic, state)
    again.write_batch([said("o-9"), said("o-10")])
    again.snapshot()
    assert ids(cluster, topic)[-2:] == ["o-9", "o-10"]


def test_a_topic_that_ends_before_what_was_written_is_told(cluster, make_topic, caplog):
    topic = make_topic()
    part = part_of(cluster, topic, (1, 57, ()))
    assert f"{topic}/0000 ends at 0, but 57 was written" in caplog.text
    part.write_batch([said("o-1")])
    assert part.snapshot() == (1, 1, ())


def test_a_full_queue_is_waited_for(cluster, make_topic):
    topic = make_topic()
    narrow = cluster._replace(settings={"queue.buffering.max.messages": 10})
    part = part_of(narrow, topic)
    part.write_batch([said(f"o-{number}") for number in range(500)])
    part.snapshot()
    assert ids(cluster, topic) == [f"o-{number}" for number in range(500)]


def test_a_record_that_is_too_large_stops_the_worker_with_words(cluster, make_topic):
    topic = make_topic()
    part = part_of(cluster, topic)
    with pytest.raises(NotDeliveredError, match=f"{topic}/0: offer.decided o-1 is refused: .*too large"):
        part.write_batch([said("o-1", value=b"x" * 2_000_000)])
    with pytest.raises(NotDeliveredError):
        part.snapshot()


def test_who_listens_hears_when_a_record_was_acknowledged(cluster, make_topic):
    heard = []
    part = part_of(cluster, make_topic(), heard=lambda one, at_s: heard.append((one, at_s)))
    before_s = time.time()
    part.write_batch([said("o-1", since_s=before_s)])
    part.snapshot()
    ((one, at_s),) = heard
    assert one.id == "o-1"
    assert before_s - 0.002 <= at_s <= time.time() + 0.002


def test_a_snapshot_is_refused_when_the_broker_is_gone(killable_broker):
    cluster = Cluster(killable_broker.bootstrap, settings=IMPATIENT)
    topics.ensure_topics(cluster, {"offers": 1})
    part = part_of(cluster, "offers")
    part.write_batch([said("o-1")])
    part.snapshot()
    killable_broker.kill()
    assert killable_broker.refuses()
    part.write_batch([said("o-2")])
    with pytest.raises(NotDeliveredError, match=r"offers/0: offer\.decided o-2 was not delivered"):
        part.snapshot()
    part.close()


@pytest.mark.parametrize("then", ["snapshot", "write"])
def test_a_wish_to_stop_ends_the_wait_for_a_broker_that_is_gone(killable_broker, then):
    cluster = Cluster(killable_broker.bootstrap, settings={"queue.buffering.max.messages": 2})
    topics.ensure_topics(cluster, {"offers": 1})
    stop = Shutdown(within_s=0.0)
    part = KafkaSink(cluster, {"offers/0000": 0}, RecordProducer(cluster, stop=stop)).build_part(
        "sink", "offers/0000", None
    )
    killable_broker.kill()
    assert killable_broker.refuses()
    part.write_batch([said("o-1"), said("o-2")])
    stop.ask()
    with pytest.raises(
        NotDeliveredError, match="2 records were not delivered when the time to stop was over"
    ):
        part.snapshot() if then == "snapshot" else part.write_batch([said("o-3")])
    part.close()


def test_what_was_on_its_way_when_the_broker_died_arrives_once_when_it_is_back(killable_broker):
    cluster = Cluster(killable_broker.bootstrap)
    topics.ensure_topics(cluster, {"offers": 1})
    part = part_of(cluster, "offers")
    part.write_batch([said(f"o-{number}") for number in range(100)])
    part.snapshot()
    killable_broker.keep()
    killable_broker.kill()
    assert killable_broker.refuses()
    part.write_batch([said(f"o-{number}") for number in range(100, 200)])
    killable_broker.start()
    assert part.snapshot() == (1, 200, ())
    until(lambda: ids(cluster, "offers") == [f"o-{number}" for number in range(200)])
