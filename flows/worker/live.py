"""The worker: from Kafka to Kafka until it is asked to shut down, with all its state in one directory."""

import logging
import signal
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Final

from bytewax.testing import run_main

from flows.assembly import reader_of, stations_of
from flows.backup.seal_gate import SealGate
from flows.backup.service import BackupService
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
    topic_ids,
    topic_partition,
)
from flows.local.callback_sink import CallbackSink
from flows.observability.disk_use import DiskUse
from flows.observability.health import Limits, MetricsServer
from flows.observability.instrumentation import Instrumentation, InstrumentedReader
from flows.observability.logs import log_to_stderr
from flows.observability.metrics import Metrics
from flows.observability.probes import Probes
from flows.observability.reject_watch import RejectWatch
from flows.settings import Settings
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.catalog import Catalogs
from flows.stores.features import FeatureStoreSink
from flows.stores.ledger import Ledgers
from flows.stores.state_rows import ShardRows
from flows.worker.deadline import end_within
from flows.worker.disk_watch import DiskWatch, check_free
from flows.worker.gc_tuning import tune_gc
from flows.worker.noted_databases import noted_databases
from flows.worker.pulse import Pulse
from flows.worker.shutdown import Shutdown
from flows.worker.source_errors import errors_after_run
from flows.worker.state_dir import (
    STATE_FORMAT,
    FirstStart,
    TopicOffsets,
    locked_state_dir,
    relearned_in,
    start_or_resume,
)
from flows.worker.steady_clock import SteadyClock, in_words
from flows.worker.topic_changes import TopicChanges
from flows.worker.topics_at_start import create_topics
from flows.worker.unread_partitions import UnreadPartitions
from operators.streaming.ids import SHARDS
from schemas.errors import RestartNeededError
from schemas.shop import Shop

MOST_AHEAD: Final = timedelta(seconds=5)
"""The watermark is behind the clock by ``lateness``, where the clock is right."""
SET_BACK_S: Final = 30.0
CLOSE_S: Final = 5.0
"""Beyond the time to stop: what the clients get to close once no record is waited for any longer."""
log = logging.getLogger("offerstream")


def live(settings: Settings, *, ordered: bool = False) -> None:
    """Run the worker until SIGTERM, SIGINT or a failure.

    Raises SetupError before the first record, BrokerError when records cannot be read on, and
    RestartNeededError when it has ended to be started again.
    """
    log_to_stderr(settings.log_format, settings.log_level)
    shop = settings.shop()
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    grace_s = settings.stop_within.total_seconds()
    shutdown = Shutdown(grace_s, lambda: end_within(grace_s + CLOSE_S))
    clock = SteadyClock(on_step=partial(_stepped, shutdown))
    shutdown.request_on(signal.SIGTERM, signal.SIGINT)
    registered = subjects_of(settings.output_topics) if settings.register_schemas else {}
    with ExitStack() as opened:
        opened.enter_context(locked_state_dir(settings.state))
        check_free(settings.state, settings.min_free_disk)
        opened.enter_context(noted_databases(settings.state))
        schemas = opened.enter_context(
            schema_registry(settings.schema_registry, settings.schema_registry_client, registered)
        )
        first = _first_start(settings, shop, cluster)
        ledgers = opened.enter_context(closing(Ledgers(settings.state / "ledger", sync=settings.ledger_sync)))
        catalogs = opened.enter_context(closing(Catalogs(settings.state / "catalog")))
        rows = opened.enter_context(closing(ShardRows(settings.state / "rows", sync=settings.ledger_sync)))
        disk = opened.enter_context(DiskWatch(settings.state, settings.min_free_disk, shutdown))
        metrics = Metrics(
            clock, disk=DiskUse(settings.state), machine={"disk": disk.reasons, "clock": clock.reasons}
        )
        metrics.configured(settings.state, settings.epoch)
        rejects = RejectWatch(
            lambda topic: None if topic in settings.market_topics else settings.format_of(topic),
            settings.max_event_bytes,
        )
        instrumentation = Instrumentation(metrics, rejects=rejects)
        ahead = MOST_AHEAD if settings.idle_time == "wall" else None
        limits = Limits(settings.stall_after, settings.stall_after + settings.epoch, ahead)
        pulse = Pulse()
        probes = Probes(
            *(pulse, metrics.progress, shutdown, instrumentation.unassigned),
            settings.hang_after,
            settings.stall_after,
        )
        server = opened.enter_context(
            MetricsServer(
                *(metrics, limits, settings.metrics_host, settings.metrics_port),
                pages={"/livez": probes.live, "/readyz": probes.ready},
            )
        )
        message_bytes = max_message_bytes(cluster, settings.output_topics.values())
        producer = RecordProducer(cluster, metrics.delivered, shutdown, message_bytes, pulse)
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
            pulse=pulse,
            clock=clock,
        )
        instrumentation.source = source
        instrumentation.before_seal = opened.enter_context(
            BackupService(settings.state, SealGate())
        ).gate.wait
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
        stations = stations_of(
            *(settings, shop, first.sources, ledgers.of, catalogs.of),
            rows_of=rows.of,
            relearned_of=relearned_in(settings.state),
            ordered=ordered,
            emit_after_s=_emit_after_s(settings, first),
        )
        flow = build_dataflow(edges, stations)
        unread = UnreadPartitions(metrics, shutdown, restarts=settings.added_partitions == "restart")
        changes = TopicChanges(first.topics, unread.looked, shutdown)
        every_s = settings.partition_check.total_seconds()
        opened.enter_context(AddedPartitions(cluster, first.sources, changes.looked, interval_s=every_s))
        _log_start(settings, first, server.port)
        tune_gc()
        recovery = recovery_config(settings.state / "recovery")
        run_main(flow, epoch_interval=settings.epoch, recovery_config=recovery)
    if shutdown.restart_reason is not None:
        log.info("stopped: to be started again")
        raise RestartNeededError(f"{shutdown.restart_reason}; start it again")
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
        ids=topic_ids(cluster, (*settings.input_topics, *outputs)),
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


def _stepped(shutdown: Shutdown, by_s: float) -> None:
    """Take a step of the machine's clock that has lasted.

    Bytewax ends an epoch by that clock: set back, it would end none for as long. A restart begins anew.
    """
    log.warning("the machine's clock was set %s, for good as it seems", in_words(by_s))
    if by_s <= -SET_BACK_S:
        shutdown.request_restart(f"the machine's clock was set {in_words(by_s)}")


def _emit_after_s(settings: Settings, first: FirstStart) -> float:
    return first.speaks_after_s if settings.emit_after is None else settings.emit_after.timestamp()


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
