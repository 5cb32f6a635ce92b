"""Where the brokers are and how to talk to them: clients with the settings that must hold, and their log."""

import logging
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from schemas.errors import SetupError

log = logging.getLogger("offerstream.kafka")
wire = logging.getLogger("offerstream.kafka.client")

FIXED = {
    "auto.offset.reset": "error",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.idempotence": True,
    "enable.partition.eof": True,
    "acks": "all",
}
QUIET = {"log_level": 0, "error_cb": lambda _error: None}
RECONNECT = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 1000}
READING = {"fetch.queue.backoff.ms": 5, "queued.max.messages.kbytes": 32768}
WRITING = {
    "compression.type": "lz4",
    "delivery.timeout.ms": 120_000,
    "linger.ms": 0,
    "queue.buffering.max.kbytes": 131_072,
}
BURST_S = 10.0


class Cluster(NamedTuple):
    """A Kafka cluster as settings name it; ``settings`` are librdkafka's and go through (TLS, SASL, ...)."""

    bootstrap: str
    group: str = "offerstream"
    settings: Mapping[str, str | int | float | bool] = {}


class Burst(logging.Filter):
    """Lets one record through in ten seconds and says with it how many were held back."""

    def __init__(self) -> None:
        super().__init__()
        self._next_s = 0.0
        self._held = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is the one to be seen."""
        text = record.getMessage()
        if text.startswith("CONFWARN"):
            return False
        now_s = time.monotonic()
        if now_s < self._next_s:
            self._held += 1
            return False
        self._next_s = now_s + BURST_S
        record.msg, record.args = "%s (%d like it not shown)" if self._held else "%s", (text,)
        if self._held:
            record.args = (text, self._held)
        self._held = 0
        return True


wire.addFilter(Burst())


def said_by_client(error: KafkaError) -> None:
    """Note what a client reports about its connections; it goes on trying by itself."""
    wire.warning("Kafka: %s", error.str())


def consumer(cluster: Cluster, *, quiet: bool = False) -> Consumer:
    """A consumer that reads only what it is told to, and never jumps; a quiet one logs nothing."""
    reading = {key: FIXED[key] for key in FIXED if key not in ("acks", "enable.idempotence")}
    conf = _conf(cluster, {"group.id": cluster.group, **RECONNECT, **READING}, reading)
    try:
        return Consumer({**conf, **QUIET}) if quiet else Consumer(conf, logger=wire)
    except KafkaException as error:
        raise _refused(error) from error


def producer(cluster: Cluster) -> Producer:
    """An idempotent producer that waits for all replicas and for nothing else."""
    conf = _conf(cluster, {**RECONNECT, **WRITING}, {"enable.idempotence": True, "acks": "all"})
    try:
        return Producer(conf, logger=wire)
    except KafkaException as error:
        raise _refused(error) from error


def admin(cluster: Cluster) -> AdminClient:
    """A client for questions about topics and offsets; its connection troubles are told by the others."""
    try:
        return AdminClient(_conf(cluster, RECONNECT, {}) | QUIET)
    except KafkaException as error:
        raise _refused(error) from error


def _conf(cluster: Cluster, usual: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    for key in sorted(FIXED.keys() & cluster.settings.keys()):
        raise SetupError(f"Kafka setting `{key}` is always {FIXED[key]} here; take it out of the settings")
    told = {"bootstrap.servers": cluster.bootstrap, "error_cb": said_by_client}
    return {**usual, **cluster.settings, **fixed, **told}


def _refused(error: KafkaException) -> SetupError:
    return SetupError(f"Kafka refuses the settings: {error.args[0].str()}")
