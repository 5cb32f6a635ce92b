"""Between simulated shoppers and Kafka: their events go out, offers and decisions come in."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from flows.kafka.cluster import Cluster, create_consumer, create_producer
from flows.kafka.topics import end_offsets, ensure_topics, partitions_of, topic_partition
from flows.simulation.counters import Counters
from operators.simulation import World
from schemas.errors import BrokerError

if TYPE_CHECKING:
    from flows.settings import Settings  # imports all models, which a process of shoppers does not need

log = logging.getLogger("offerstream.simulate")

FULL_QUEUE_WAIT_S: Final = 0.1
FLUSH_WITHIN_S: Final = 10.0
FEEDBACK_PREFIX: Final = "offer_"


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
        cluster=Cluster(settings.bootstrap, settings.group, settings.kafka),
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
        for message in self._consumer.consume(500, 0):
            error, value = message.error(), message.value()
            if error is None and value is not None:
                self._apply(message.topic(), orjson.loads(value))
            elif error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                raise KafkaException(error)

    def close(self) -> None:
        """Wait until everything is delivered."""
        left = self._producer.flush(FLUSH_WITHIN_S)
        if left:
            log.warning("%d events of the shoppers were not delivered", left)
        self._consumer.close()

    def _produce(self, topic: str, value: bytes, key: str, timestamp_ms: int) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, timestamp=timestamp_ms, on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(FULL_QUEUE_WAIT_S)
            else:
                return

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed = error

    def _apply(self, topic: str | None, record: dict[str, Any]) -> None:
        counters, kind = self._counters, record.get("type")
        if kind == "decision":
            cart = self._world.cart(record["visitor_id"])
            if cart is not None and cart.id == record["cart_id"]:
                tally = counters.holdout if record["holdout"] else counters.treated
                tally.add(record["arm"], self._world.true_values(cart))
        elif topic != self._topics.offers or record["data"]["market"] != self._world.settings.market:
            return
        elif kind == "offer.decided":
            counters.offers += 1
            counters.ignored += not self._world.deliver_offer(record["data"])
        elif kind == "offer.revoked":
            counters.revoked += 1
            self._world.revoke_offer(record["data"]["offer_id"])
