"""Records read once between two offsets, or an error that says what cannot be read."""

import pytest

from flows.kafka import bounded_read
from flows.kafka.bounded_read import ranges_since, read_history, read_newest_first, read_ranges
from flows.kafka.follow import TopicFollower
from schemas.errors import BrokerError, SetupError
from tests.broker.driving import produce, produce_in_transaction, until

pytestmark = pytest.mark.broker


def test_a_range_is_read_from_its_first_offset_to_before_its_end(cluster, make_topic):
    topic = make_topic(2)
    for partition in range(2):
        produce(cluster, topic, [b"%d" % number for number in range(9)], partition)
    ranges = {(topic, 0): (2, 5), (topic, 1): (7, 9)}
    found = {}
    for batch in read_ranges(cluster, ranges):
        for record in batch:
            found.setdefault(record.partition(), []).append(record.value())
    assert found == {0: [b"2", b"3", b"4"], 1: [b"7", b"8"]}
    assert list(read_ranges(cluster, {(topic, 0): (5, 5)})) == []


def test_a_history_holds_the_records_of_all_partitions(cluster, make_topic):
    topic = make_topic(3)
    produce(cluster, topic, [b"a", b"b"], 0)
    produce(cluster, topic, [b"c"], 2)
    messages = [one for batch in read_history(cluster, topic) for one in batch]
    assert sorted((one.partition, one.offset, one.value) for one in messages) == [
        *((0, 0, b"a"), (0, 1, b"b"), (2, 0, b"c")),
    ]
    with pytest.raises(SetupError, match="topic no-such does not exist"):
        list(read_history(cluster, "no-such"))


def test_a_history_ends_with_a_transaction(cluster, make_topic):
    topic = make_topic()
    produce_in_transaction(cluster, topic, b"in a transaction")
    assert [one.value for batch in read_history(cluster, topic) for one in batch] == [b"in a transaction"]


def test_a_range_that_is_not_retained_is_an_error(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, [b"a"])
    with pytest.raises(BrokerError, match=f"{topic}/0 cannot be read: "):
        list(read_ranges(cluster, {(topic, 0): (70, 80)}))


def test_a_range_that_stays_silent_is_an_error(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, [b"a", b"b"])
    batches = read_ranges(cluster, {(topic, 0): (0, 9)}, silence_timeout_s=1.0)
    assert [record.value() for record in next(batches)] == [b"a", b"b"]
    with pytest.raises(BrokerError, match=f"{topic}/0000 cannot be read: silent for 1 s"):
        next(batches)


def test_the_newest_records_are_read_first_and_every_record_once(cluster, make_topic, monkeypatch):
    monkeypatch.setattr(bounded_read, "FIRST_BLOCK", 2)
    topic = make_topic(2)
    produce(cluster, topic, [b"%d" % number for number in range(9)], 0)
    produce(cluster, topic, [b"x"], 1)
    ranges = ranges_since(cluster, topic, 0.0)
    blocks = [sorted(one.value for one in block) for block in read_newest_first(cluster, topic, ranges)]
    assert blocks == [[b"7", b"8", b"x"], [b"3", b"4", b"5", b"6"], [b"0", b"1", b"2"]]


def test_what_the_broker_took_before_a_time_is_left_out(cluster, make_topic):
    topic = make_topic()
    produce(cluster, topic, [b"a", b"b"])
    (message, _) = next(read_history(cluster, topic))
    assert ranges_since(cluster, topic, message.timestamp_s - 1.0) == {(topic, 0): (0, 2)}
    assert ranges_since(cluster, topic, message.timestamp_s + 60.0) == {(topic, 0): (2, 2)}
    assert list(read_newest_first(cluster, topic, {(topic, 0): (2, 2)})) == []


def test_a_follower_reads_topics_as_they_grow(cluster, make_topic):
    topic = make_topic()
    follower = TopicFollower(cluster, [topic])
    for value in (b"a", b"b"):
        produce(cluster, topic, [value])
        assert [one.value for one in until(follower.poll)] == [value]
    follower.close()
