"""The brokers that tests and the demo run on: their own process, their own port, their data kept."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from flows.kafka import topics
from flows.kafka.broker_process import EmbeddedBroker
from flows.kafka.cluster import Cluster
from schemas.errors import SetupError
from tests import brokers
from tests.broker.driving import produce, read_all

pytestmark = pytest.mark.broker


def values(broker):
    return [one.value() for one in read_all(Cluster(broker.bootstrap), "events")]


def test_the_process_is_the_broker_itself(killable_broker):
    name = Path(f"/proc/{killable_broker.pid}/cmdline").read_bytes().split(b"\0")[0]
    assert name.endswith((b"/noida-db", b"java"))


def test_a_killed_broker_refuses_connections_and_comes_back_with_what_it_saved(killable_broker):
    topics.ensure_topics(Cluster(killable_broker.bootstrap), {"events": 1})
    produce(Cluster(killable_broker.bootstrap), "events", [b"a", b"b"])
    killable_broker.keep()
    at = killable_broker.bootstrap
    killable_broker.kill()
    assert killable_broker.refuses()
    with pytest.raises(RuntimeError, match="the broker is not running"):
        _ = killable_broker.pid
    killable_broker.start()
    assert killable_broker.bootstrap == at
    assert values(killable_broker) == [b"a", b"b"]


def test_a_stopped_broker_keeps_everything(killable_broker):
    topics.ensure_topics(Cluster(killable_broker.bootstrap), {"events": 1})
    produce(Cluster(killable_broker.bootstrap), "events", [b"a", b"b"])
    killable_broker.stop()
    killable_broker.start()
    assert values(killable_broker) == [b"a", b"b"]


def test_a_taken_port_is_refused(tmp_path):
    with (
        EmbeddedBroker(directory=tmp_path / "one") as one,
        pytest.raises(SetupError, match=f"port {one.port} on 127.0.0.1 is taken"),
    ):
        EmbeddedBroker(one.port, tmp_path / "two").start()


def test_a_broker_that_cannot_start_fails_with_its_last_output(port, tmp_path):
    class Broken(EmbeddedBroker):
        def command(self):
            return ["sh", "-c", "echo no luck; exit 3"]

    with pytest.raises(SetupError, match=f"the broker on port {port} ended at once; its last words: no luck"):
        Broken(port, tmp_path).start()


def test_what_a_broker_writes_is_its_users_alone(killable_broker):
    written = [path for path in killable_broker.directory.rglob("*") if path.name.startswith("noida")]
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)


def test_nothing_of_a_broker_reaches_the_terminal(tmp_path, capfd):
    with EmbeddedBroker(directory=tmp_path):
        pass
    assert capfd.readouterr() == ("", "")


def test_what_a_broker_cannot_answer_yet_is_asked_again():
    errors = [KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION), KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)]

    def ask():
        if errors:
            raise KafkaException(errors.pop())
        return 7

    assert brokers.answered(ask) == 7
    errors += [KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)]
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        brokers.answered(ask)
    errors += [KafkaError(KafkaError.LEADER_NOT_AVAILABLE)]
    with pytest.raises(KafkaException, match="LEADER_NOT_AVAILABLE"):
        brokers.answered(ask, within_s=-1.0)


def test_its_own_directory_goes_with_it():
    with EmbeddedBroker() as one:
        directory = one.directory
        assert directory.exists()
    assert not directory.exists()


def test_apache_kafka_without_java_names_what_is_missing(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(brokers.MissingError, match="--broker apache needs Java 17 or newer"):
        brokers.ApacheBroker()


def test_apache_kafka_without_maven_names_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(brokers.MissingError, match="--broker apache needs Maven"):
        brokers.jars()
