"""The worker reads Avro by the schemas of a registry, and loses nothing while the registry is away."""

import time
import uuid
from decimal import Decimal

import orjson
import pytest

from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from tests import warm_start
from tests.broker.driving import produce
from tests.schema_registry import SchemaRegistry, Serializing
from tests.worker import TOPICS, Worker, read

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

QUICK = {"idle_after": "1s", "lateness": "1s", "session_gap": "4s", "epoch": "500ms", "partitions": "2"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
ITEM = {
    "type": "record",
    "name": "Item",
    "fields": [{"name": "sku", "type": "string"}, {"name": "price", "type": MONEY}],
}


def carted_schema(**more):
    """A schema of its own: the same event, under another name or with another field."""
    return {
        "type": "record",
        "name": "CartItemAdded",
        "fields": [
            {"name": "type", "type": "string"},
            {"name": "id", "type": "string"},
            {"name": "time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "visitor_id", "type": "string"},
            {"name": "items", "type": ["null", {"type": "array", "items": ITEM}]},
        ],
        **more,
    }


class Shop:
    """A worker, a registry, and a topic of events that is written by a real serializer."""

    def __init__(self, broker, tmp_path, registry):
        self.registry = registry
        suffix = uuid.uuid4().hex[:8]
        self.topics = {name: f"{name}-{suffix}" for name in TOPICS}
        self.cluster = Cluster(broker.bootstrap)
        ensure_topics(self.cluster, dict.fromkeys(self.topics.values(), 2))
        (tmp_path / "offers.toml").write_text("[markets.default]\nmargin_rate = 0.4\n")
        args = ("--from", "earliest", "--schema-registry", registry.url)
        self.worker = Worker(
            broker.bootstrap, tmp_path / "state", self.topics,
            offers=tmp_path / "offers.toml", args=args, **QUICK,
        )  # fmt: skip

    def carted(self, visitor, *, in_header=False, **schema):
        """The value and the headers of a product in a visitor's cart."""
        event = {
            "type": "cart_item_added",
            "id": uuid.uuid4().hex,
            "time": int(time.time() * 1e6),
            "visitor_id": visitor,
            "items": [{"sku": "A", "price": Decimal("40.00")}],
        }
        serializing = Serializing(self.registry, self.topics["events"])
        return serializing.avro(carted_schema(**schema), event, in_header=in_header)

    def send(self, value, headers=(), partition=0):
        produce(
            self.cluster, self.topics["events"], [value], partition, key=b"k", headers=list(headers) or None
        )

    def records(self, name):
        return read(self.cluster.bootstrap, self.topics[name], 2)

    def scored(self):
        """The visitors whose carts were scored when something was put into them, once for each time."""
        decided = [orjson.loads(value) for _, value, _ in self.records("decisions")]
        return sorted(
            one["visitor_id"] for one in decided if one["type"] == "score" and one["kind"] == "cart_changed"
        )


@pytest.fixture
def shop(broker, tmp_path):
    with SchemaRegistry() as registry:
        one = Shop(broker, tmp_path, registry)
        with one.worker:
            yield one


def test_carts_in_avro_are_scored_and_what_cannot_be_read_is_rejected_as_it_came(shop):
    shop.send(*shop.carted("anna"))
    shop.send(*shop.carted("ben", in_header=True))
    unknown = b"\0\0\0\0\x63\x06abc"
    shop.send(unknown)
    shop.send(*shop.carted("carol", name="Another"), partition=1)
    shop.worker.start()
    shop.worker.until(lambda: set(shop.scored()) == {"anna", "ben", "carol"})
    (rejected,) = shop.records("rejected")
    assert rejected[1] == unknown
    assert rejected[2]["offerstream.class"] == b"schema"
    assert rejected[2]["offerstream.reason"].startswith(b"schema 99: the Schema Registry does not know it")
    assert f", schemas from {shop.registry.url};" in shop.worker.said()
    assert shop.worker.stop() == 0


def test_while_the_registry_is_away_a_new_schema_is_waited_for_and_nothing_is_lost(shop):
    shop.send(*shop.carted("anna"))
    shop.worker.start()
    shop.worker.until(lambda: "anna" in shop.scored())
    ben, carol = shop.carted("ben", name="New"), shop.carted("carol")
    shop.registry.status = 503
    shop.send(*ben)
    shop.send(*carol)
    shop.worker.until(lambda: "reading waits for schema 2" in shop.worker.said())
    shop.registry.stop()
    shop.worker.until(lambda: "does not answer: ConnectError" in shop.worker.said())
    assert shop.worker.stop() == 0  # what waits stops it neither
    assert shop.records("rejected") == []
    assert set(shop.scored()) == {"anna"}
    shop.registry.start()
    shop.registry.status = None
    shop.worker.start()
    shop.worker.until(lambda: set(shop.scored()) == {"anna", "ben", "carol"})
    assert shop.worker.stop() == 0
    assert shop.scored() == ["anna", "ben", "carol"]
    assert shop.records("rejected") == []


def test_a_registry_that_comes_back_lets_the_worker_go_on(shop):
    shop.worker.start().started()
    anna = shop.carted("anna")
    shop.registry.status = 500
    shop.send(*anna)
    shop.worker.until(lambda: "reading waits for schema 1" in shop.worker.said())
    shop.registry.status = None
    shop.worker.until(lambda: "anna" in shop.scored())
    assert "the Schema Registry answers again" in shop.worker.said()
    assert shop.records("rejected") == []
    assert shop.worker.stop() == 0


def test_a_registry_that_is_away_at_start_stops_the_worker_with_one_line(shop):
    shop.registry.stop()
    assert shop.worker.start().ended() == 2
    assert shop.worker.said().startswith(
        "offerstream live: SCHEMA_REGISTRY must be one that answers; got http://127"
    )
    assert shop.worker.said().count("\n") == 1


def test_what_was_rejected_without_a_registry_goes_back_and_is_read_with_one(shop):
    shop.send(*shop.carted("anna"))
    with_registry = shop.worker.arguments
    at = with_registry.index("--schema-registry")
    shop.worker.arguments = with_registry[:at] + with_registry[at + 2 :]
    shop.worker.start()
    shop.worker.until(lambda: len(shop.records("rejected")) == 1)
    assert shop.worker.stop() == 0
    assert b"--schema-registry URL" in shop.records("rejected")[0][2]["offerstream.reason"]
    shop.worker.arguments = with_registry
    where = ["--bootstrap", shop.cluster.bootstrap, "--set", f"topics=rejected={shop.topics['rejected']}"]
    done = warm_start.run("flows.cli", ["redrive", *where, "--class", "schema"])
    assert done.stdout.startswith("schema: 1 re-driven\n")
    shop.worker.start()
    shop.worker.until(lambda: "anna" in shop.scored())
    assert shop.worker.stop() == 0
