"""A Kafka cluster, and the librdkafka clients for it: their settings and their log."""

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from flows.kafka.connection_trouble import explained
from flows.kafka.login import login_settings, without_secrets
from flows.kafka.quiet_admin import QuietAdminClient
from flows.observability.log_events import LogEvent, tell
from schemas.errors import SetupError

log = logging.getLogger("offerstream.kafka")
client_log = logging.getLogger("offerstream.kafka.client")

FIXED_SETTINGS: Final = {
    "auto.offset.reset": "error",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.idempotence": True,
    "enable.partition.eof": True,
    "acks": "all",
}
"""What exactly-once depends on: the user's settings cannot change these."""

PRODUCER_ONLY: Final = ("acks", "enable.idempotence")
SILENT: Final = {"log_level": 0, "error_cb": lambda _error: None}
RECONNECT_DEFAULTS: Final = {"reconnect.backoff.ms": 1000, "reconnect.backoff.max.ms": 10_000}
"""A worker has about ten connections, and librdkafka 2.16 does not double the wait of one that is refused."""

CONSUMER_DEFAULTS: Final = {"fetch.queue.backoff.ms": 5, "queued.max.messages.kbytes": 32768}
PRODUCER_DEFAULTS: Final = {
    "compression.type": "lz4",
    "delivery.timeout.ms": 120_000,
    "linger.ms": 0,
    "queue.buffering.max.kbytes": 131_072,
}

REFUSED: Final = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD})
"""With these errors a broker refuses a batch for one of its records: too large, or without a key it needs."""

TRANSIENT: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError._TRANSPORT,  # noqa: SLF001 - librdkafka's own errors are spelled so
        KafkaError._TIMED_OUT,  # noqa: SLF001 - the same
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - the same
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - the same
    }
)
"""Errors that pass by themselves: not every broker knows a topic as soon as it is made, and leaders move."""

FULL_QUEUE_WAIT_S: Final = 0.1
CLOSE_WITHIN_S: Final = 3.0


UNKNOWN_NAME: Final = re.compile(r'No such configuration property: "(.*)"', re.DOTALL)
PROPERTY: Final = re.compile(r"[a-z]+(\.[a-z0-9_]+)+")


class Cluster(NamedTuple):
    """A Kafka cluster; ``settings`` are librdkafka's own (TLS, SASL, ...)."""

    bootstrap: str
    group: str = "offerstream"
    settings: Mapping[str, str | int | float | bool] = {}


class RateLimitFilter(logging.Filter):
    """Lets one log record through per interval and appends how many were suppressed before it."""

    def __init__(self, interval_s: float = 10.0) -> None:
        super().__init__()
        self._interval_s = interval_s
        self._next_s = 0.0
        self._suppressed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is logged."""
        text = record.getMessage()
        if text.startswith("CONFWARN"):
            return False
        now_s = time.monotonic()
        if now_s < self._next_s:
            self._suppressed += 1
            return False
        self._next_s = now_s + self._interval_s
        record.msg, record.args = "%s (%d like it not shown)" if self._suppressed else "%s", (text,)
        if self._suppressed:
            record.args = (text, self._suppressed)
        self._suppressed = 0
        return True


client_log.addFilter(RateLimitFilter())


def log_client_error(error: KafkaError) -> None:
    """Log what a client reports about its connections, which it repairs by itself."""
    tell(client_log, LogEvent.KAFKA_CLIENT, reason=explained(error.str()))


def create_consumer(cluster: Cluster, *, quiet: bool = False) -> Consumer:
    """Return a consumer of assigned partitions that never resets an offset; a quiet one logs nothing."""
    fixed = {key: value for key, value in FIXED_SETTINGS.items() if key not in PRODUCER_ONLY}
    defaults = {"group.id": cluster.group, **RECONNECT_DEFAULTS, **CONSUMER_DEFAULTS}
    config = _config(cluster, defaults, fixed)
    try:
        return Consumer({**config, **SILENT}) if quiet else Consumer(config, logger=client_log)
    except KafkaException as error:
        raise _refused_settings(error, cluster) from error


def close_consumer(consumer: Consumer) -> None:
    """Close a consumer, and wait for it ``CLOSE_WITHIN_S`` at most.

    librdkafka waits without end for a commit that a broker does not answer. A consumer that is still closing
    is left to the end of the process.
    """
    closing = threading.Thread(target=consumer.close, name="close-consumer", daemon=True)
    closing.start()
    closing.join(CLOSE_WITHIN_S)
    if closing.is_alive():
        tell(log, LogEvent.CONSUMER_UNCLOSED, seconds=CLOSE_WITHIN_S)


def create_producer(cluster: Cluster, defaults: Mapping[str, str | int] | None = None) -> Producer:
    """Return an idempotent producer with ``acks=all``; what the user sets goes before ``defaults``."""
    fixed = {key: FIXED_SETTINGS[key] for key in PRODUCER_ONLY}
    config = _config(cluster, {**RECONNECT_DEFAULTS, **PRODUCER_DEFAULTS, **(defaults or {})}, fixed)
    try:
        return Producer(config, logger=client_log)
    except KafkaException as error:
        raise _refused_settings(error, cluster) from error


def produce(
    producer: Producer,
    topic: str,
    value: bytes | None,
    key: bytes | str | None,
    *,
    while_full: Callable[[], None] | None = None,
    **options: Any,  # noqa: ANN401  they are the client's own
) -> None:
    """Hand a record to a producer; waits only while its queue is full, and calls ``while_full`` meanwhile.

    Raises what ``Producer.produce`` and ``while_full`` raise, but for BufferError.
    """
    while True:
        try:
            producer.produce(topic, value, key, **options)
        except BufferError:
            producer.poll(FULL_QUEUE_WAIT_S)
            if while_full is not None:
                while_full()
        else:
            return


def create_admin_client(cluster: Cluster) -> QuietAdminClient:
    """Return a client for topics."""
    try:
        return QuietAdminClient(_config(cluster, RECONNECT_DEFAULTS, {}))
    except KafkaException as error:
        raise _refused_settings(error, cluster) from error


def _config(cluster: Cluster, defaults: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    for key in sorted(FIXED_SETTINGS.keys() & cluster.settings.keys()):
        if str(cluster.settings[key]).lower() != str(FIXED_SETTINGS[key]).lower():
            raise SetupError(
                f"Kafka setting `{key}` is always {FIXED_SETTINGS[key]} here; take it out of the settings"
            )
    given = {key: value for key, value in cluster.settings.items() if key not in FIXED_SETTINGS}
    own = {"bootstrap.servers": cluster.bootstrap, "error_cb": log_client_error}
    return {**defaults, **login_settings(given, cluster.bootstrap), **fixed, **own}


def _refused_settings(error: KafkaException, cluster: Cluster) -> SetupError:
    said = error.args[0].str()
    why, name = without_secrets(said, cluster.settings), UNKNOWN_NAME.search(said)
    if name is not None and not PROPERTY.fullmatch(name[1]):  # a piece of a value, of a password perhaps
        why = "one of their names is none of librdkafka; is there a comma in a value? Write such in a file"
    return SetupError(f"Kafka refuses the settings: {why}")
