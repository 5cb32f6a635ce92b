"""The worker: from Kafka to Kafka until it is asked to shut down, with all its state in one directory."""

import logging
import signal
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from bytewax.testing import run_main

from flows.assembly import reader_of, stations_of
from flows.dataflow import Edges, build_dataflow
from flows.kafka.added_partitions import AddedPartitions
from flows.kafka.cluster import Cluster
from flows.kafka.producer import RecordProducer
from flows.kafka.schema_registry.start import schema_registry
from flows.kafka.schema_registry.subjects import subjects_of
from flows.kafka.sink import KafkaSink
from flows.kafka.source import KafkaSource
from flows.kafka.topics import (
    beginning_offsets,
    end_offsets,
    max_message_bytes,
    partitions_of,
    topic_partition,
)
from flows.local.callback_sink import CallbackSink
from flows.observability.health import Limits, MetricsServer
from flows.observability.instrumentation import Instrumentation, InstrumentedReader
from flows.observability.metrics import Metrics
from flows.observability.reject_watch import RejectWatch
from flows.settings import Settings
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.catalog import Catalogs
from flows.stores.features import FeatureStoreSink
from flows.stores.ledger import Ledgers
from flows.stores.state_rows import ShardRows
from flows.worker.gc_tuning import tune_gc
from flows.worker.shutdown import Shutdown
from flows.worker.source_errors import errors_after_run
from flows.worker.state_dir import FirstStart, TopicOffsets, locked_state_dir, start_or_resume
from flows.worker.topics_at_start import create_topics
from flows.worker.unread_partitions import UnreadPartitions
from operators.streaming.ids import SHARDS
from schemas.errors import RestartNeededError
from schemas.shop import Shop

STATE_FORMAT: Final = 7
log = logging.getLogger("offerstream")


def live(settings: Settings, *, ordered: bool = False) -> None:
    """Run the worker until SIGTERM, SIGINT or a failure.

    Raises SetupError before the first record, BrokerError when records cannot be read on, and
    RestartNeededError when it has ended to be started again.
    """
    shop = settings.shop()
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka)
    shutdown = Shutdown(settings.stop_within.total_seconds())
    shutdown.request_on(signal.SIGTERM, signal.SIGINT)
    registered = subjects_of(settings.output_topics) if settings.register_schemas else {}
    with ExitStack() as opened:
        opened.enter_context(locked_state_dir(settings.state))
        schemas = opened.enter_context(
            schema_registry(settings.schema_registry, settings.schema_registry_client, registered)
        )
        first = _first_start(settings, shop, cluster)
        ledgers = Ledgers(settings.state / "ledger", sync=settings.ledger_sync)
        opened.callback(ledgers.close)
        catalogs = Catalogs(settings.state / "catalog")
        opened.callback(catalogs.close)
        rows = ShardRows(settings.state / "rows", sync=settings.ledger_sync)
        opened.callback(rows.close)
        metrics = Metrics()
        rejects = RejectWatch(
            lambda topic: None if topic in settings.market_topics else settings.format_of(topic),
            settings.max_event_bytes,
        )
        instrumentation = Instrumentation(metrics, rejects=rejects)
        limits = Limits(settings.stall_after, settings.stall_after + settings.epoch)
        server = opened.enter_context(
            MetricsServer(metrics, limits, settings.metrics_host, settings.metrics_port)
        )
        message_bytes = max_message_bytes(cluster, settings.output_topics.values())
        producer = RecordProducer(cluster, metrics.delivered, shutdown, message_bytes)
        reader = reader_of(
            *(settings, shop, settings.format_of, settings.state / "seen"),
            ordered=ordered,
            payloads=schemas,
            has_catalog=_has_catalog(settings, first, cluster),
        )
        source = KafkaSource(
            cluster,
            first.sources,
            lambda name, state: InstrumentedReader(reader(name, state), instrumentation),
            shutdown,
            max_lead_s=settings.max_lead.total_seconds(),
            idle_by_events=settings.idle_time == "events",
            ready=len if schemas is None else schemas.ready,
            first=settings.market_topics,
        )
        instrumentation.source = source
        outputs = {
            name: KafkaSink(cluster, _of_topic(topic, first.sinks), producer)
            for name, topic in settings.output_topics.items()
        }
        edges = Edges(
            opened.enter_context(errors_after_run(source)),
            outputs,
            FeatureStoreSink(settings.state / "features"),
            CallbackSink(instrumentation.measure, instrumentation.sealed),
        )
        emit_after = settings.emit_after
        emit_after_s = first.started_at_s if emit_after is None else emit_after.timestamp()
        stations = stations_of(
            *(settings, shop, first.sources, ledgers.of, catalogs.of),
            rows_of=rows.of,
            ordered=ordered,
            emit_after_s=emit_after_s,
        )
        flow = build_dataflow(edges, stations)
        unread = UnreadPartitions(metrics, shutdown, restarts=settings.added_partitions == "restart")
        check_s = settings.partition_check.total_seconds()
        opened.enter_context(AddedPartitions(cluster, first.sources, unread.looked, interval_s=check_s))
        _log_start(settings, first, server.port)
        tune_gc()
        recovery = recovery_config(settings.state / "recovery")
        run_main(flow, epoch_interval=settings.epoch, recovery_config=recovery)
    if shutdown.restart_reason is not None:
        log.info("stopped: to be started again")
        raise RestartNeededError(f"{shutdown.restart_reason}; start it again to read them")
    log.info("stopped: %s", "asked to" if shutdown.is_requested else "the input has ended")


def _first_start(settings: Settings, shop: Shop, cluster: Cluster) -> FirstStart:
    """Return the first start of the state directory, which may be this one; creates missing topics."""
    outputs = tuple(settings.output_topics.values())
    create_topics(settings, cluster)
    inputs = partitions_of(cluster, settings.input_topics)
    beginnings = beginning_offsets(cluster, inputs)
    now = TopicOffsets(
        start=_start(settings, beginnings, cluster),
        beginnings=beginnings,
        ends=end_offsets(cluster, partitions_of(cluster, outputs)),
        off=settings.topics_off,
    )
    new = FirstStart(
        format=STATE_FORMAT,
        started_at_s=time.time(),
        shards=SHARDS,
        markets=tuple(shop.markets),
        sources={},
        sinks={},
    )
    return start_or_resume(settings.state, new, now)


def _start(settings: Settings, beginnings: dict[str, int], cluster: Cluster) -> dict[str, int]:
    """Return where a first start reads from: topics of markets from their beginning, whatever is set."""
    if settings.begin == "earliest":
        return beginnings
    of_events = [each for each in beginnings if topic_partition(each)[0] not in settings.market_topics]
    return {**beginnings, **end_offsets(cluster, of_events)}


def _has_catalog(settings: Settings, first: FirstStart, cluster: Cluster) -> bool:
    """Return whether anything was ever written to the catalog's topic."""
    partitions = _of_topic(settings.topic_of("catalog"), first.sources)
    return any(end_offsets(cluster, partitions).values())


def _of_topic(topic: str, partitions: dict[str, int]) -> dict[str, int]:
    return {name: end for name, end in partitions.items() if topic_partition(name)[0] == topic}


def _log_start(settings: Settings, first: FirstStart, port: int) -> None:
    packages = {name: version(name) for name in ("offerstream", "bytewax", "river", "confluent-kafka")}
    log.info(
        "started: %s; policy %s; reads %s in %d partitions from %s%s; state %s, first started %s; "
        "metrics on %s:%d",
        ", ".join(f"{name} {number}" for name, number in packages.items()),
        settings.policy,
        ", ".join(settings.input_topics),
        len(first.sources),
        settings.bootstrap,
        f", schemas from {settings.schema_registry}" if settings.schema_registry else "",
        settings.state,
        datetime.fromtimestamp(first.started_at_s, UTC).isoformat(timespec="seconds"),
        settings.metrics_host,
        port,
    )
