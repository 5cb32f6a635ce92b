"""Between simulated shoppers and Kafka: their events go out, offers and decisions come in."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from flows.kafka.cluster import Cluster, create_consumer, create_producer
from flows.kafka.topics import end_offsets, ensure_topics, partitions_of, topic_partition
from operators.simulation import World
from operators.simulation.tally import Tally
from schemas.errors import SetupError

if TYPE_CHECKING:
    from flows.settings import Settings  # brings in all models, which a process of shoppers does not need

log = logging.getLogger("offerstream.simulate")

FULL_S: Final = 0.1
FLUSH_S: Final = 10.0
FEEDBACK: Final = "offer_"


@dataclass(frozen=True)
class Places:
    """The Kafka and the topics that shoppers write to and read from; what is missing is made."""

    cluster: Cluster
    events: str
    feedback: str
    offers: str
    decisions: str
    partitions: int


def places(settings: "Settings") -> Places:
    """Return the places of a worker with these settings."""
    return Places(
        cluster=Cluster(settings.bootstrap, settings.group, settings.kafka),
        events=settings.events_topics[0],
        feedback=settings.feedback_topic,
        offers=settings.offers_topic,
        decisions=settings.decisions_topic,
        partitions=settings.partitions,
    )


@dataclass
class Counters:
    """What has happened so far; ``behind_s`` is the simulated time that should have passed and has not."""

    at_s: float
    events: int = 0
    feedback: int = 0
    offers: int = 0
    ignored: int = 0
    revoked: int = 0
    behind_s: float = 0.0
    treated: Tally = field(default_factory=Tally)
    holdout: Tally = field(default_factory=Tally)


class Wire:
    """Between a world and a Kafka: its events go out, offers and decisions come in."""

    def __init__(self, to: Places, world: World, counters: Counters) -> None:
        wanted = (to.events, to.feedback, to.offers, to.decisions)
        ensure_topics(to.cluster, dict.fromkeys(wanted, to.partitions))
        self._topics = to
        self._world = world
        self._counters = counters
        self._failed: KafkaError | None = None
        self._producer = create_producer(to.cluster)
        self._consumer = create_consumer(
            to.cluster._replace(group=f"{to.cluster.group}-shoppers-{uuid4().hex[:8]}")
        )
        partitions = partitions_of(to.cluster, (to.offers, to.decisions))
        start = end_offsets(to.cluster, partitions)
        self._consumer.assign([TopicPartition(*topic_partition(name), start[name]) for name in partitions])

    def send(self, events: list[dict[str, Any]]) -> None:
        """Produce the events, each with its own time as the record's timestamp and its visitor as key."""
        for event in events:
            feedback = event["type"].startswith(FEEDBACK)
            self._produce(
                self._topics.feedback if feedback else self._topics.events,
                orjson.dumps(event),
                event["visitor_id"],
                round(datetime.fromisoformat(event["time"]).timestamp() * 1000),
            )
            if feedback:
                self._counters.feedback += 1
            else:
                self._counters.events += 1
        self._producer.poll(0)
        if self._failed is not None:
            raise SetupError(
                f"Kafka does not take the shoppers' events: {self._failed.str()} (their time may run ahead "
                "of the clock; a broker limits that by message.timestamp.after.max.ms)"
            )

    def hear(self) -> None:
        """Hand what was published to the world: offers, revocations, and decisions for their true figures."""
        for message in self._consumer.consume(500, 0):
            error, value = message.error(), message.value()
            if error is None and value is not None:
                self._heard(message.topic(), orjson.loads(value))
            elif error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                raise KafkaException(error)

    def close(self) -> None:
        """Wait until everything is delivered."""
        left = self._producer.flush(FLUSH_S)
        if left:
            log.warning("%d events of the shoppers were not delivered", left)
        self._consumer.close()

    def _produce(self, topic: str, value: bytes, key: str, timestamp_ms: int) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, timestamp=timestamp_ms, on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(FULL_S)
            else:
                return

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed = error

    def _heard(self, topic: str | None, said: dict[str, Any]) -> None:
        counters, kind = self._counters, said.get("type")
        if kind == "decision":
            cart = self._world.cart(said["visitor_id"])
            if cart is not None and cart.id == said["cart_id"]:
                tally = counters.holdout if said["holdout"] else counters.treated
                tally.decided(said["arm"], self._world.true_values(cart))
        elif topic != self._topics.offers or said["data"]["market"] != self._world.settings.market:
            return
        elif kind == "offer.decided":
            counters.offers += 1
            counters.ignored += not self._world.offered(said["data"])
        elif kind == "offer.revoked":
            counters.revoked += 1
            self._world.revoked(said["data"]["offer_id"])
