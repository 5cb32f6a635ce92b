"""Single records written as they are, and what the brokers refuse of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message

from flows.kafka.cluster import REFUSED, Cluster, create_producer, produce
from flows.worker.fault_points import fault_point
from schemas.errors import BrokerError
from schemas.message import Header

FLUSH_STEP_S: Final = 0.5
DEFAULTS: Final = {"message.max.bytes": 100_000_000}
"""Not the client but the broker says what is too large."""


class NewRecord(NamedTuple):
    """A record to be written."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]


class RecordWriter:
    """Writes records and waits for them."""

    def __init__(self, cluster: Cluster) -> None:
        self._producer = create_producer(cluster, DEFAULTS)

    def write(self, records: Sequence[NewRecord]) -> set[int]:
        """Write records, and return the numbers of those that were refused.

        Records of a partition are in their order unless they are refused together: then each is sent alone.
        Raises BrokerError for a record that was not acknowledged for another reason: it may be there or not.
        """
        refused = self._send(dict(enumerate(records)))
        return {number for number in sorted(refused) if self._send({number: records[number]})}

    def _send(self, records: Mapping[int, NewRecord]) -> set[int]:
        refused: set[int] = set()
        failures: list[str] = []
        for number, record in records.items():
            self._produce(record, number, refused, failures)
            fault_point("record_written")
        while self._producer.flush(FLUSH_STEP_S):
            pass
        if failures:
            raise BrokerError(failures[0])
        return refused

    def _produce(self, record: NewRecord, number: int, refused: set[int], failures: list[str]) -> None:
        def on_delivery(error: KafkaError | None, _message: Message | None = None) -> None:
            if error is not None and error.code() in REFUSED:
                refused.add(number)
            elif error is not None:
                failures.append(f"{record.topic}/{record.partition} cannot be written: {error.str()}")

        options: dict[str, Any] = {
            "partition": record.partition,
            "headers": list(record.headers),
            "on_delivery": on_delivery,
        }
        try:
            produce(self._producer, *(record.topic, record.value, record.key), **options)
        except KafkaException as error:
            on_delivery(error.args[0])
