"""``check`` of a topic: its newest records, and what is wrong with a topic that cannot be read."""

import time

import pytest

from flows.cli import main
from tests.broker.driving import produce
from tests.builders import T0, looked, segment_calls
from tests.schema_registry import SchemaRegistry, Serializing

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]


@pytest.fixture
def check(broker, capfd):
    """Runs the command on a topic; returns its exit code and what it printed."""

    def ran(*words, bootstrap=broker.bootstrap):
        code = main(["check", *words, "--bootstrap", bootstrap])
        said = capfd.readouterr()
        return code, said.out if code < 2 else said.err

    return ran


def test_a_topic_is_read_in_the_format_it_is_in(cluster, make_topic, check):
    topic = make_topic(2)
    for partition in range(2):
        produce(cluster, topic, segment_calls(40)[partition * 20 :][:20], partition)
    code, said = check(topic)
    assert code == 0
    assert f"{topic}: all 40 records of 2 partitions, in format segment (detected)\n" in said
    assert "40 of 40 events: 40 cart_item_added" in said


def test_the_newest_records_of_each_partition_are_read(cluster, make_topic, check):
    topic = make_topic(2)
    produce(cluster, topic, [b"old"] * 30, 0)
    produce(cluster, topic, segment_calls(10), 0)
    produce(cluster, topic, segment_calls(20)[10:], 1)
    code, said = check(topic, "--limit", "20")
    assert code == 0
    assert f"{topic}: the newest 20 records of 2 partitions, in format segment (detected)\n" in said
    assert "20 of 20 events" in said


def test_a_format_that_is_set_for_the_topic_is_taken(cluster, make_topic, check):
    topic = make_topic()
    produce(cluster, topic, segment_calls(20))
    sets = ("--set", f"events_topics={topic}", "--set", f"formats={topic}=rees46")
    code, said = check(topic, *sets)
    assert code == 1
    assert f"{topic} looks like format segment: try --format segment." in " ".join(said.split())


def test_what_claims_to_be_later_than_it_was_received_is_counted(cluster, make_topic, check):
    topic, lately = make_topic(), int(time.time() - T0) - 60  # a broker may delete records of years ago
    produce(cluster, topic, segment_calls(20, lately), timestamp_s=T0 + lately + 5)
    assert "14 clamped" in check(topic)[1]


def test_tombstones_are_refused_by_what_they_are(cluster, make_topic, check):
    topic = make_topic()
    produce(cluster, topic, [*segment_calls(20), None])
    assert "1 empty, first " in check(topic)[1]


def test_an_empty_topic_is_nothing(make_topic, check):
    topic = make_topic(3)
    code, said = check(topic)
    assert code == 1
    assert f"{topic}: all 0 records of 3 partitions" in said
    assert f"There is nothing in {topic}" in said


def test_a_topic_that_is_not_there_is_wrong_use(broker, check):
    code, said = check("no.such.topic")
    assert code == 2
    assert said == (
        "offerstream check: 'no.such.topic' is not a file here, and as a topic: topic no.such.topic does not "
        f"exist on {broker.bootstrap}\n"
    )


def test_a_broker_that_does_not_answer_is_wrong_use(check):
    code, said = check("events.jsonl", bootstrap="127.0.0.1:1")
    assert code == 2
    assert "'events.jsonl' is not a file here, and as a topic: no Kafka broker answers at 127.0.0.1:1" in said


def test_why_a_broker_does_not_answer_is_said(check, broker):
    code, said = check("events", "--kafka", "security.protocol=SSL")
    assert code == 2
    assert f"no Kafka broker answers at {broker.bootstrap}: ssl://" in said
    assert "SSL" in said.partition("/bootstrap: ")[2]


EVENT = {
    "type": "record",
    "name": "PageViewed",
    "fields": [{"name": name, "type": "string"} for name in ("type", "id", "time", "visitor_id")],
}


def test_values_in_avro_are_read_by_the_schemas_of_a_registry(cluster, make_topic, check):
    topic = make_topic()
    with SchemaRegistry() as registry:
        serializing = Serializing(registry, topic)
        values = [serializing.avro(EVENT, looked(n, f"v{n}"))[0] for n in range(20)]
        produce(cluster, topic, values)
        code, said = check(topic, "--schema-registry", registry.url)
    assert code == 0
    assert "20 of 20 events: 20 page_viewed" in said
    code, said = check(topic)
    assert code == 1
    assert "20 schema, first " in said
    assert said.endswith(
        "Values need their schemas: give the Schema Registry's address with --schema-registry.\n"
    )
