"""The one producer of a process: it sends without waiting and remembers what was not delivered."""

from collections.abc import Callable, Mapping
from typing import Final, cast

from confluent_kafka import KafkaError, KafkaException, Message
from msgspec import UNSET

from flows.kafka.cluster import REFUSED, Cluster, create_producer, log, produce
from flows.kafka.records import KafkaRecord
from flows.kafka.size_limits import SizeLimits, cut_to, keyed_by_id, size_of
from flows.observability.log_events import LogEvent, tell
from flows.worker.pulse import Pulse
from flows.worker.shutdown import Shutdown
from operators.streaming.messages import OutputRecord

CLOSE_TIMEOUT_S: Final = 5.0
FLUSH_STEP_S: Final = 0.5
TOO_LARGE: Final = KafkaError.MSG_SIZE_TOO_LARGE


class NotDeliveredError(RuntimeError):
    """A record was not acknowledged: the epoch must not be sealed, and a restart emits the record again."""


class _Sent:
    """A record on its way, and what to call with its offset."""

    def __init__(
        self, output: OutputRecord, topic: str, partition: int, on_offset: Callable[[int], None]
    ) -> None:
        self.output = output
        self.topic = topic
        self.partition = partition
        self.on_offset = on_offset
        self.refused_as = 0

    def is_not(self, what: str, why: str) -> str:
        """Return why the record is not delivered, for people."""
        return f"{self.topic}/{self.partition}: {self.output.type} {self.output.id} {what}: {why}"


def _advice(sent: _Sent, error: KafkaError) -> str:
    """Return what to do about a record that cannot be cut."""
    if error.code() != TOO_LARGE:
        return ""
    needed = size_of(sent.output)
    return f"; set `max.message.bytes` of the topic above {needed}, and start again: it is sent then"


class RecordProducer:
    """Sends records. ``on_delivered`` is called with each record and its acknowledgement time in seconds.

    A broker that does not answer is waited for as long as ``delivery.timeout.ms`` or ``shutdown`` allows.
    What is in flight is bounded by librdkafka's ``queue.buffering.max.*``. ``max_message_bytes`` are the
    limits of the topics as their brokers tell them. A rejected record that is refused is sent again with less
    of its value, in the end with our headers alone, or with its id as its key where there must be one.
    """

    def __init__(
        self,
        cluster: Cluster,
        on_delivered: Callable[[OutputRecord, float], None] | None = None,
        shutdown: Shutdown | None = None,
        max_message_bytes: Mapping[str, int] | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self._limits = SizeLimits(cluster, max_message_bytes or {})
        self._producer = create_producer(cluster, {"batch.size": self._limits.of_batches()})
        self._on_delivered = on_delivered
        self._shutdown = Shutdown() if shutdown is None else shutdown
        self._pulse = Pulse() if pulse is None else pulse
        self._in_flight = 0  # the length of the client's queue counts its own events too
        self._again: list[_Sent] = []
        self._failure: str | None = None

    def send(
        self, output: OutputRecord, topic: str, partition: int, on_offset: Callable[[int], None]
    ) -> None:
        """Hand a record to the client; waits only while its queue is full.

        ``on_offset`` is called with the record's offset once it is acknowledged. Raises NotDeliveredError
        when the client refuses it.
        """
        if output.stream == "rejected":
            output = cut_to(output, self._limits.of_client)
        self._produce(_Sent(output, topic, partition, on_offset))

    def poll(self) -> None:
        """Handle the acknowledgements that have arrived; NotDeliveredError if any record failed."""
        self._producer.poll(0)
        if self._again:
            self._send_again()
        self._check_failure()

    def flush(self) -> None:
        """Return when everything sent is acknowledged; raise NotDeliveredError when it will not be."""
        self._wait()
        while self._again and self._failure is None:
            self._send_again()
            self._wait()
        self._check_failure()

    def drain(self) -> None:
        """Wait a little for what is in flight, and log what is not delivered; raises nothing."""
        if self._failure is None:
            self._producer.flush(CLOSE_TIMEOUT_S)
            if left := self._in_flight + len(self._again):
                tell(log, LogEvent.RECORDS_UNDELIVERED, records=left)
        if self._failure is not None:
            tell(log, LogEvent.RECORDS_REFUSED, reason=str(self._failure))

    def _produce(self, sent: _Sent) -> None:
        output = sent.output

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            self._in_flight -= 1
            if error is not None:
                self._refused(sent, error)
                return
            record = cast("KafkaRecord", message)
            sent.on_offset(record.offset())
            if self._on_delivered is not None:
                self._on_delivered(output, record.timestamp()[1] / 1000 + record.latency())

        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_id", output.id.encode()),
            ("ce_type", output.type.encode()),
            *output.headers,
        ]
        key = (output.key.encode() or None) if output.own_key is UNSET else output.own_key
        value = None if output.is_null else output.value
        options = {"partition": sent.partition, "headers": headers, "on_delivery": on_delivery}
        try:
            produce(self._producer, sent.topic, value, key, while_full=self._check, **options)
        except KafkaException as error:
            self._failure = sent.is_not("is refused", error.args[0].str())
            raise NotDeliveredError(self._failure) from error
        self._in_flight += 1

    def _refused(self, sent: _Sent, error: KafkaError) -> None:
        if sent.output.stream == "rejected" and error.code() in REFUSED:
            sent.refused_as = error.code()
            self._again.append(sent)
        else:
            self._failure = sent.is_not("was not delivered", error.str() + _advice(sent, error))

    def _send_again(self) -> None:
        """Send again what was refused: cut to the topic's limit; what was within it goes alone."""
        again, self._again = self._again, []
        for sent in again:
            limit = self._limits.of(sent.topic)
            if sent.refused_as == TOO_LARGE and size_of(sent.output) > limit:
                self._replace(sent, cut_to(sent.output, limit))
                self._produce(sent)
            else:
                self._send_alone(sent)

    def _send_alone(self, sent: _Sent) -> None:
        """Send a record as the only one in its batch, and change it for as long as it is refused."""
        while True:
            self._wait()
            self._produce(sent)
            self._wait()
            if sent not in self._again:
                return
            self._again.remove(sent)
            size = size_of(sent.output)
            if sent.refused_as == TOO_LARGE:
                self._limits.lower(sent.topic, size // 2)
                changed = cut_to(sent.output, size // 2)
                is_curable = size_of(changed) < size
            else:
                changed = keyed_by_id(sent.output)
                is_curable = sent.output.own_key is None
            if not is_curable:
                self._failure = sent.is_not("was not delivered", "its topic takes not even our headers")
                return
            self._replace(sent, changed)

    def _replace(self, sent: _Sent, changed: OutputRecord) -> None:
        reason = sent.is_not("is not whole", f"{sent.topic} refused it as it was")
        tell(log, LogEvent.RECORD_CUT, reason=str(reason))
        sent.output = changed

    def _wait(self) -> None:
        """Wait until everything in flight is acknowledged or refused."""
        while self._failure is None and self._producer.flush(FLUSH_STEP_S):
            self._check_deadline()

    def _check(self) -> None:
        self._check_deadline()
        self._check_failure()

    def _check_deadline(self) -> None:
        self._pulse.beat()  # who waits for a broker does not hang
        if self._shutdown.is_overdue and self._failure is None:
            self._failure = f"{self._in_flight} records were not delivered when the time to stop was over"

    def _check_failure(self) -> None:
        if self._failure is not None:
            raise NotDeliveredError(self._failure)
