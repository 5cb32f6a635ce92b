"""Clients and topics: what is wrong with either is an error before the first record."""

import pytest

from flows.kafka import topics
from flows.kafka.cluster import create_admin_client, create_consumer, create_producer
from schemas.errors import BrokerError, SetupError

pytestmark = pytest.mark.broker


def test_settings_of_librdkafka_go_through(cluster):
    secure = cluster._replace(settings={"security.protocol": "ssl"})
    with pytest.raises(SetupError, match=f"no Kafka broker answers at {cluster.bootstrap}: "):
        topics.partitions_of(secure, ["any"], timeout_s=0.5)


@pytest.mark.parametrize("create", [create_admin_client, create_consumer, create_producer])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fetch.spped": 1}, 'Kafka refuses the settings: No such configuration property: "fetch.spped"'),
        ({"auto.offset.reset": "latest"}, "Kafka setting `auto.offset.reset` is always error here"),
    ],
)
def test_wrong_settings_are_refused(cluster, settings, words, create):
    with pytest.raises(SetupError, match=words):
        create(cluster._replace(settings=settings))


def test_a_topic_that_does_not_exist_is_named(cluster):
    with pytest.raises(SetupError, match=f"topic no-such does not exist on {cluster.bootstrap}"):
        topics.partitions_of(cluster, ["no-such"])


def test_topics_are_created_once_with_the_partitions_wanted(cluster, make_topic):
    there = make_topic(3)
    new = f"{there}-new"
    assert topics.ensure_topics(cluster, {there: 8, new: 2}) == {there: 3, new: 2}
    assert topics.partitions_of(cluster, [new]) == [f"{new}/0000", f"{new}/0001"]
    assert topics.end_offsets(cluster, []) == {}


def test_a_topic_that_the_broker_refuses_is_named(cluster):
    with pytest.raises(SetupError, match="topic no/topic cannot be made: "):
        topics.ensure_topics(cluster, {"no/topic": 1})


def test_a_topic_that_gets_no_leader_is_named(cluster, make_topic, monkeypatch):
    new = f"{make_topic()}-new"
    monkeypatch.setattr(topics, "_has_leaders", lambda _: False)
    with pytest.raises(BrokerError, match=f"{new}: still without a leader after 1 s"):
        topics.ensure_topics(cluster, {new: 1}, timeout_s=1.0)


def test_offsets_that_the_broker_does_not_tell_are_an_error(cluster):
    with pytest.raises(BrokerError, match=f"{cluster.bootstrap} does not tell its offsets: "):
        topics.end_offsets(cluster, ["no-such/0000"], timeout_s=0.5)
