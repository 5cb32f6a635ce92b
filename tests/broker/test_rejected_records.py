"""Rejected records on a real topic: they keep their keys and headers, and none of them stops the worker."""

import os
from itertools import product

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME
from confluent_kafka.cimpl import NewTopic

from flows.kafka import topics
from flows.kafka.bounded_read import read_history
from flows.kafka.producer import NotDeliveredError, RecordProducer
from flows.kafka.records import headers_of, to_message
from flows.kafka.sink import KafkaSink
from operators.streaming.messages import OutputRecord
from schemas.dead_letters import split_headers
from schemas.message import UNREADABLE_HEADERS, Message
from schemas.rejected import InvalidEvent, reject, rejected_line, rejected_record
from tests.broker.driving import produce, read_all
from tests.brokers import administer

pytestmark = pytest.mark.broker

OWN_HEADERS = (("ce_id", b"x-1"), ("ce_type", None), ("class", b"gold"), ("class", None), ("ce_id", b"\xff"))
LIMIT = 500_000


def rejected(offset=0, value=b"oops", key=b"v1", headers=()):
    message = Message(value, key, headers, "shop.events", 0, offset, 1.7e9, "CreateTime")
    record = reject(message, InvalidEvent("not_json", "not JSON"))
    return OutputRecord(
        *("rejected", "rejected", record.route, record.id, record.value or b"", record.headers),
        own_key=record.key,
        is_null=record.value is None,
    )


def made_with(cluster, name, config):
    """A topic with these settings, and a name like another's."""
    name = f"{name}-with"
    new = NewTopic(name, 1, -1, config=config)
    administer(cluster.bootstrap, lambda client: client.create_topics([new]))
    topics.ensure_topics(cluster, {name: 1})
    return name


@pytest.fixture
def small_topic(cluster, make_topic):
    """A topic that takes batches of half a megabyte."""
    return made_with(cluster, make_topic(), {"max.message.bytes": str(LIMIT)})


def partition_of(cluster, topic, limits=None, state=None):
    ends = topics.end_offsets(cluster, topics.partitions_of(cluster, [topic]))
    producer = RecordProducer(cluster, max_message_bytes=limits)
    return KafkaSink(cluster, ends, producer).build_part("sink", f"{topic}/0000", state)


def found(cluster, topic):
    return [rejected_record(one) for batch in read_history(cluster, topic) for one in batch]


def test_key_value_and_headers_stand_in_the_topic_as_they_came(cluster, make_topic):
    topic = make_topic()
    partition = partition_of(cluster, topic)
    given = list(product([None, b"", b"v1", b"\x00\x00\x07\xff"], [None, b"", b"oops"]))
    partition.write_batch([rejected(n, value, key, OWN_HEADERS) for n, (key, value) in enumerate(given)])
    partition.snapshot()
    records = read_all(cluster, topic)
    assert [(each.key(), each.value()) for each in records] == given
    for number, (record, again) in enumerate(zip(records, found(cluster, topic), strict=True)):
        head = [("ce_id", b"shop.events/0/%d" % number), ("ce_type", b"rejected")]
        assert record.headers()[:7] == [*head, *OWN_HEADERS]
        assert dict(record.headers())["kafka_dlt-original-topic"] == b"shop.events"
        assert split_headers(again.headers).own == OWN_HEADERS


def test_a_resume_finds_rejected_records_whatever_their_keys_and_headers_are(cluster, make_topic):
    topic = make_topic()
    partition = partition_of(cluster, topic)
    state = partition.snapshot()
    keys = [None, b"", b"v1", b"\xff"]
    outputs = [rejected(n, key=key, headers=OWN_HEADERS) for n, key in enumerate(keys)]
    partition.write_batch(outputs)
    partition.close()
    produce(cluster, topic, [b"{}"], headers=[("ce_id", None)])
    produce(cluster, topic, [b"{}"], headers=[("ce_id", b"\xff")])
    resumed = partition_of(cluster, topic, state=state)
    resumed.write_batch([*outputs, rejected(9)])
    resumed.snapshot()
    records = [each for each in found(cluster, topic) if each is not None]
    assert [each.id for each in records] == [f"shop.events/0/{n}" for n in (0, 1, 2, 3, 9)]


def test_the_limit_of_a_topic_is_asked_for(cluster, small_topic, make_topic):
    usual = make_topic()
    limits = topics.max_message_bytes(cluster, [small_topic, usual])
    assert limits[small_topic] == LIMIT < limits[usual]


def test_a_topic_whose_limit_is_not_told_has_the_usual_one(cluster, caplog):
    assert topics.max_message_bytes(cluster, ["no-such"]) == {"no-such": 1_048_588}
    assert "max.message.bytes of no-such is not known" in caplog.text


@pytest.mark.parametrize("is_known", [True, False])
def test_a_value_that_its_topic_refuses_is_cut_to_fit(cluster, small_topic, is_known):
    limits = topics.max_message_bytes(cluster, [small_topic]) if is_known else None
    partition = partition_of(cluster, small_topic, limits)
    value = os.urandom(700_000)
    partition.write_batch([rejected(0, b"a"), rejected(1, value, headers=OWN_HEADERS), rejected(2, b"c")])
    partition.snapshot()
    records = {each.id: each for each in found(cluster, small_topic)}
    assert records.keys() == {f"shop.events/0/{n}" for n in range(3)}
    cut = records["shop.events/0/1"]
    assert value.startswith(cut.value)
    assert (450_000 if is_known else 250_000) < len(cut.value) < LIMIT
    line = rejected_line(cut)
    assert (line.cut, line.length) == (("value",), 700_000)
    assert split_headers(cut.headers).own == OWN_HEADERS


def test_a_value_that_fits_when_compressed_is_whole(cluster, small_topic):
    partition = partition_of(cluster, small_topic, {small_topic: LIMIT})
    partition.write_batch([rejected(0, b"x" * 700_000)])
    partition.snapshot()
    (record,) = found(cluster, small_topic)
    assert record.value == b"x" * 700_000


@pytest.mark.parametrize("cut", ["headers", "headers,key", "value,headers", "value,headers,key"])
def test_large_keys_and_headers_stop_nobody_either(cluster, small_topic, cut):
    big = {
        "value": os.urandom(900_000) if "value" in cut else b"oops",
        "key": os.urandom(700_000) if "key" in cut else b"v1",
        "headers": OWN_HEADERS if "key" in cut else (("big", os.urandom(700_000)),),
    }
    partition = partition_of(cluster, small_topic, {small_topic: LIMIT})
    partition.write_batch([rejected(0, **big), rejected(1)])
    partition.snapshot()
    records = {each.id: rejected_line(each) for each in found(cluster, small_topic)}
    assert records.keys() == {"shop.events/0/0", "shop.events/0/1"}
    assert ",".join(records["shop.events/0/0"].cut) == cut


def test_many_records_never_make_a_batch_that_a_topic_refuses(cluster, small_topic):
    slow = cluster._replace(settings={"linger.ms": 200})
    partition = partition_of(slow, small_topic, {small_topic: LIMIT})
    values = [os.urandom(100_000) for _ in range(40)]
    partition.write_batch([rejected(n, value) for n, value in enumerate(values)])
    partition.snapshot()
    assert [each.value for each in found(cluster, small_topic)] == values


def test_a_batch_that_is_refused_is_sent_again_one_by_one_where_the_limit_is_not_known(cluster, small_topic):
    slow = cluster._replace(settings={"linger.ms": 200})
    partition = partition_of(slow, small_topic)
    values = [os.urandom(100_000) for _ in range(12)]
    partition.write_batch([rejected(n, value) for n, value in enumerate(values)])
    partition.snapshot()
    assert sorted(each.value for each in found(cluster, small_topic)) == sorted(values)


def test_a_compacted_topic_gets_a_key_where_the_message_had_none(cluster, make_topic):
    topic = made_with(cluster, make_topic(), {"cleanup.policy": "compact"})
    slow = cluster._replace(settings={"linger.ms": 200})
    partition = partition_of(slow, topic)
    partition.write_batch([rejected(0, key=b"a"), rejected(1, key=None), rejected(2, key=b"b")])
    partition.snapshot()
    records = {each.id: each for each in found(cluster, topic)}
    assert [records[f"shop.events/0/{n}"].key for n in range(3)] == [b"a", b"shop.events/0/1", b"b"]
    assert [rejected_line(records[f"shop.events/0/{n}"]).cut for n in range(3)] == [None, ("key",), None]


def test_a_topic_that_takes_nothing_stops_the_worker(cluster, make_topic):
    topic = made_with(cluster, make_topic(), {"max.message.bytes": "200"})
    partition = partition_of(cluster, topic)
    partition.write_batch([rejected(0)])
    with pytest.raises(NotDeliveredError, match="its topic takes not even our headers"):
        partition.snapshot()


def test_other_records_that_are_too_large_still_stop_the_worker(cluster, small_topic):
    partition = partition_of(cluster, small_topic, {small_topic: LIMIT})
    partition.write_batch([OutputRecord("offers", "offer.decided", "v1", "o-1", os.urandom(700_000))])
    with pytest.raises(NotDeliveredError, match=r"offer\.decided o-1 was not delivered: .*too large"):
        partition.snapshot()


class Strange:
    """A record with a header whose name is not UTF-8, as the client hands it out."""

    def headers(self):
        raise SystemError("returned a result with an exception set")

    def timestamp(self):
        return TIMESTAMP_CREATE_TIME, 1_700_000_000_000

    def value(self):
        return b"{nope"

    def key(self):
        return None

    def offset(self):
        return 7


def test_headers_that_the_client_cannot_read_stop_nobody(cluster, make_topic):
    topic = make_topic()
    found = to_message(Strange(), "shop.events", 0)
    assert (found.headers, found.timestamp_s) == (UNREADABLE_HEADERS, 1.7e9)
    assert headers_of(Strange()) == UNREADABLE_HEADERS
    partition = partition_of(cluster, topic)
    partition.write_batch([rejected(7, found.value, None, found.headers)])
    partition.snapshot()
    (record,) = read_all(cluster, topic)
    assert dict(record.headers())["offerstream.cut"] == b"headers"
