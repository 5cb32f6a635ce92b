"""Between simulated shoppers and Kafka: their events go out, offers and decisions come in."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from flows.kafka.cluster import Cluster, create_consumer, create_producer, produce
from flows.kafka.records import END_OF_PARTITION, consume
from flows.kafka.topics import end_offsets, ensure_topics, partitions_of, topic_partition
from flows.observability.log_events import LogEvent, tell
from flows.simulation.counters import Counters
from operators.simulation import World
from schemas.decisions import Decision
from schemas.errors import BrokerError
from schemas.message import first_header
from schemas.partial_records import partial_decoder

if TYPE_CHECKING:
    from flows.settings import Settings  # imports all models, which a process of shoppers does not need

log = logging.getLogger("offerstream.simulate")

FLUSH_WITHIN_S: Final = 10.0
FEEDBACK_PREFIX: Final = "offer_"

_decision: Final = partial_decoder(Decision, "visitor_id", "cart_id", "arm", "holdout")


@dataclass(frozen=True)
class SimulationTopics:
    """The Kafka topics that shoppers write to and read from; missing ones are created."""

    cluster: Cluster
    events: str
    feedback: str
    offers: str
    decisions: str
    partitions: int


def topics_of(settings: "Settings") -> SimulationTopics:
    """Return the topics of a worker with these settings."""
    return SimulationTopics(
        cluster=Cluster(settings.bootstrap, settings.group, settings.kafka_settings()),
        events=settings.topic_of("events"),
        feedback=settings.topic_of("feedback"),
        offers=settings.topic_of("offers"),
        decisions=settings.topic_of("decisions"),
        partitions=settings.partitions,
    )


class KafkaLink:
    """Produces the events of a world, and consumes the offers and decisions that are published since."""

    def __init__(self, topics: SimulationTopics, world: World, counters: Counters) -> None:
        cluster = topics.cluster
        names = (topics.events, topics.feedback, topics.offers, topics.decisions)
        ensure_topics(cluster, dict.fromkeys(names, topics.partitions))
        self._topics = topics
        self._world = world
        self._counters = counters
        self._failed: KafkaError | None = None
        self._producer = create_producer(cluster)
        group = f"{cluster.group}-shoppers-{uuid4().hex[:8]}"
        self._consumer = create_consumer(cluster._replace(group=group))
        ends = end_offsets(cluster, partitions_of(cluster, (topics.offers, topics.decisions)))
        self._consumer.assign(
            [TopicPartition(*topic_partition(name), offset) for name, offset in ends.items()]
        )

    def send(self, events: list[dict[str, Any]]) -> None:
        """Produce the events, each with its own time as the record's timestamp and its visitor as key.

        Raises BrokerError where Kafka refuses one of them.
        """
        for event in events:
            is_feedback = event["type"].startswith(FEEDBACK_PREFIX)
            self._produce(
                self._topics.feedback if is_feedback else self._topics.events,
                orjson.dumps(event),
                event["visitor_id"],
                round(datetime.fromisoformat(event["time"]).timestamp() * 1000),
            )
            if is_feedback:
                self._counters.feedback += 1
            else:
                self._counters.events += 1
        self._producer.poll(0)
        if self._failed is not None:
            raise BrokerError(
                f"Kafka refuses the shoppers' events: {self._failed.str()} (their time may run ahead of the "
                "clock; a broker limits that by message.timestamp.after.max.ms)"
            )

    def receive(self) -> None:
        """Pass what was published to the world: offers, revocations, and decisions for their true figures."""
        for record in consume(self._consumer, 500, 0):
            error, value = record.error(), record.value()
            if error is None and value is not None:
                self._apply(first_header(record.headers() or (), "ce_type") or "", value)
            elif error is not None and error.code() != END_OF_PARTITION:
                raise KafkaException(error)

    def close(self) -> None:
        """Wait until everything is delivered."""
        left = self._producer.flush(FLUSH_WITHIN_S)
        if left:
            tell(log, LogEvent.SHOPPERS_UNDELIVERED, events=left)
        self._consumer.close()

    def _produce(self, topic: str, value: bytes, key: str, timestamp_ms: int) -> None:
        produce(self._producer, topic, value, key, timestamp=timestamp_ms, on_delivery=self._delivered)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed = error

    def _apply(self, kind: str, value: bytes) -> None:
        if kind == "decision":
            self._tally(_decision(value))
        elif kind in ("offer.decided", "offer.redeemed", "offer.revoked"):
            offer = orjson.loads(value)["data"]
            if offer["market"] == self._world.settings.market:
                self._deliver(kind, offer)

    def _tally(self, decision: Decision) -> None:
        cart = self._world.cart(decision.visitor_id)
        if cart is not None and cart.id == decision.cart_id:
            tally = self._counters.holdout if decision.holdout else self._counters.treated
            tally.add(decision.arm, self._world.true_values(cart))

    def _deliver(self, kind: str, offer: dict[str, Any]) -> None:
        counters = self._counters
        if kind == "offer.decided":
            counters.offers += 1
            counters.ignored += not self._world.deliver_offer(offer)
        else:
            counters.revoked += 1
            self._world.revoke_offer(offer["offer_id"])
