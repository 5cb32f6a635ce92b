"""The one producer of a process: it sends without waiting and remembers what was not delivered."""

from collections.abc import Callable
from typing import Final, cast

from confluent_kafka import KafkaError, KafkaException, Message

from flows.kafka.cluster import Cluster, create_producer, log
from flows.kafka.records import KafkaRecord
from flows.worker.shutdown import Shutdown
from operators.streaming.messages import OutputRecord

CLOSE_TIMEOUT_S: Final = 5.0
FLUSH_STEP_S: Final = 0.5
FULL_QUEUE_WAIT_S: Final = 0.1


class NotDeliveredError(RuntimeError):
    """A record was not acknowledged: the epoch must not be sealed, and a restart emits the record again."""


class RecordProducer:
    """Sends records. ``on_delivered`` is called with each record and its acknowledgement time in seconds.

    A broker that does not answer is waited for as long as ``delivery.timeout.ms`` or ``shutdown`` allows.
    What is in flight is bounded by librdkafka's ``queue.buffering.max.*``.
    """

    def __init__(
        self,
        cluster: Cluster,
        on_delivered: Callable[[OutputRecord, float], None] | None = None,
        shutdown: Shutdown | None = None,
    ) -> None:
        self._producer = create_producer(cluster)
        self._on_delivered = on_delivered
        self._shutdown = Shutdown() if shutdown is None else shutdown
        self._failure: str | None = None

    def send(
        self, output: OutputRecord, topic: str, partition: int, on_offset: Callable[[int], None]
    ) -> None:
        """Hand a record to the client; waits only while its queue is full.

        ``on_offset`` is called with the record's offset once it is acknowledged. Raises NotDeliveredError
        when the client refuses it.
        """

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failure = (
                    f"{topic}/{partition}: {output.type} {output.id} was not delivered: {error.str()}"
                )
                return
            record = cast("KafkaRecord", message)
            on_offset(record.offset())
            if self._on_delivered is not None:
                self._on_delivered(output, record.timestamp()[1] / 1000 + record.latency())

        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_id", output.id.encode()),
            ("ce_type", output.type.encode()),
            *output.headers,
        ]
        key = output.key.encode() if output.key else None
        while True:
            try:
                self._producer.produce(
                    topic, output.value, key, partition=partition, headers=headers, on_delivery=on_delivery
                )
            except BufferError:
                self._producer.poll(FULL_QUEUE_WAIT_S)
                self._check_deadline()
                self._check_failure()
            except KafkaException as error:
                self._failure = (
                    f"{topic}/{partition}: {output.type} {output.id} is refused: {error.args[0].str()}"
                )
                raise NotDeliveredError(self._failure) from error
            else:
                return

    def poll(self) -> None:
        """Handle the acknowledgements that have arrived; NotDeliveredError if any record failed."""
        self._producer.poll(0)
        self._check_failure()

    def flush(self) -> None:
        """Return when everything sent is acknowledged; raise NotDeliveredError when it will not be."""
        while self._failure is None and self._producer.flush(FLUSH_STEP_S):
            self._check_deadline()
        self._check_failure()

    def drain(self) -> None:
        """Wait a little for what is in flight, and log what is not delivered; raises nothing."""
        if self._failure is None and (left := self._producer.flush(CLOSE_TIMEOUT_S)):
            log.warning("Kafka: %d records were still on their way at the end", left)
        if self._failure is not None:
            log.error("Kafka: %s", self._failure)

    def _check_deadline(self) -> None:
        if self._shutdown.is_overdue and self._failure is None:
            self._failure = f"{len(self._producer)} records were not delivered when the time to stop was over"

    def _check_failure(self) -> None:
        if self._failure is not None:
            raise NotDeliveredError(self._failure)
