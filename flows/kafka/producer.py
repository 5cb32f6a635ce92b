"""The one producer of a process: it sends without waiting and remembers what was not delivered."""

from collections.abc import Callable
from typing import cast

from confluent_kafka import KafkaError, KafkaException, Message

from flows.kafka.cluster import Cluster, log, producer
from flows.kafka.records import Record
from flows.worker.shutdown import Shutdown
from operators.streaming.messages import OutputRecord

PATIENCE_S = 5.0
LOOK_S = 0.5


class NotDeliveredError(RuntimeError):
    """A record was not acknowledged; the epoch must not be sealed, and after a restart it is said again."""


class RecordProducer:
    """Sends records; ``on_delivered`` hears of each one and when it was acknowledged (seconds).

    A broker that does not answer is waited for as long as ``delivery.timeout.ms`` or ``stop`` allows.
    """

    def __init__(
        self,
        cluster: Cluster,
        on_delivered: Callable[[OutputRecord, float], None] | None = None,
        stop: Shutdown | None = None,
    ) -> None:
        self._cluster = cluster
        self._producer = producer(cluster)
        self._on_delivered = on_delivered
        self._stop = Shutdown() if stop is None else stop
        self._failed: str | None = None

    def send(self, said: OutputRecord, topic: str, partition: int, delivered: Callable[[int], None]) -> None:
        """Hand a record over; waits only while the queue of what is on its way is full.

        ``delivered`` hears its offset. Raises NotDeliveredError when it cannot be taken.
        """

        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failed = f"{topic}/{partition}: {said.type} {said.id} was not delivered: {error.str()}"
                return
            record = cast("Record", message)
            delivered(record.offset())
            if self._on_delivered is not None:
                self._on_delivered(said, record.timestamp()[1] / 1000 + record.latency())

        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_id", said.id.encode()),
            ("ce_type", said.type.encode()),
            *said.headers,
        ]
        key = said.key.encode() if said.key else None
        while True:
            try:
                self._producer.produce(
                    topic, said.value, key, partition=partition, headers=headers, on_delivery=report
                )
            except BufferError:
                self._producer.poll(0.1)
                self._check_time()
                self.check()
            except KafkaException as error:
                self._failed = f"{topic}/{partition}: {said.type} {said.id} is refused: {error.args[0].str()}"
                raise NotDeliveredError(self._failed) from error
            else:
                return

    def news(self) -> None:
        """Hear of what was acknowledged meanwhile."""
        self._producer.poll(0)
        self.check()

    def settle(self) -> None:
        """Return when everything sent is acknowledged; raise NotDeliveredError when it will not be."""
        while self._failed is None and self._producer.flush(LOOK_S):
            self._check_time()
        self.check()

    def part(self) -> None:
        """Wait a little for what is on its way, and log what does not arrive."""
        if self._failed is None and (left := self._producer.flush(PATIENCE_S)):
            log.warning("Kafka: %d records were still on their way at the end", left)
        if self._failed is not None:
            log.error("Kafka: %s", self._failed)

    def _check_time(self) -> None:
        if self._stop.is_overdue and self._failed is None:
            self._failed = f"{len(self._producer)} records were not delivered when the time to stop was over"

    def check(self) -> None:
        """Raise NotDeliveredError if any record failed."""
        if self._failed is not None:
            raise NotDeliveredError(self._failed)
