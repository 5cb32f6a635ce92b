"""The worker: from Kafka to Kafka until it is asked to shut down, with all its state in one directory."""

import logging
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from bytewax.testing import run_main

from flows.assembly import reader_of, stations_of
from flows.cluster.layout import check_whole
from flows.cluster.loads import LoadLog
from flows.cluster.membership import ALONE, Member
from flows.cluster.pace import PaceBoard, PaceSink
from flows.cluster.roll_call import Go, StoppedError
from flows.cluster.run import run_member
from flows.cluster.start import start_together
from flows.dataflow import Edges, Stations, build_dataflow
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
from flows.observability.probes import Probes
from flows.observability.reject_watch import RejectWatch
from flows.settings import Settings
from flows.stores.bytewax_recovery import recovery_config
from flows.stores.catalog import Catalogs
from flows.stores.features import FeatureStoreSink
from flows.stores.ledger import Ledgers
from flows.stores.state_rows import ShardRows
from flows.worker.gc_tuning import tune_gc
from flows.worker.pulse import Pulse
from flows.worker.shutdown import Shutdown
from flows.worker.source_errors import errors_after_run
from flows.worker.state_dir import FirstStart, TopicOffsets, locked_state_dir, start_or_resume
from flows.worker.topics_at_start import create_topics
from flows.worker.unread_partitions import UnreadPartitions
from operators.streaming.ids import SHARDS
from schemas.errors import RestartNeededError
from schemas.shop import Shop

STATE_FORMAT: Final = 7
PEER_STOPPED: Final = "another process was asked to stop"
log = logging.getLogger("offerstream")


def live(
    settings: Settings,
    *,
    ordered: bool = False,
    member: Member = ALONE,
    announce: Callable[[int], object] = lambda _port: None,
) -> None:
    """Run the worker, or one process of it, until SIGTERM, SIGINT or a failure.

    ``announce`` is told the port of its metrics. Raises SetupError before the first record, BrokerError when
    records cannot be read on, and RestartNeededError when it has ended to be started again.
    """
    shop = settings.shop()
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    shutdown = Shutdown(settings.stop_within.total_seconds())
    shutdown.request_on(signal.SIGTERM, signal.SIGINT)
    registers = settings.register_schemas and member.leads
    registered = subjects_of(settings.output_topics) if registers else {}
    with ExitStack() as opened:
        if not member.is_supervised:
            opened.enter_context(locked_state_dir(settings.state, member.index if member.addresses else None))
        schemas = opened.enter_context(
            schema_registry(settings.schema_registry, settings.schema_registry_client, registered)
        )
        go = _start_alone_or_together(settings, shop, cluster, member, shutdown, ordered=ordered)
        if go is None:
            log.info("stopped: asked to")
            return
        first, owned = go.first, [name for name, reader in go.readers.items() if reader == member.index]
        board = PaceBoard(
            member, go.readers.values(), lambda why: shutdown.request_restart(why or PEER_STOPPED)
        )
        sync = settings.ledger_sync
        ledgers = opened.enter_context(closing(Ledgers(settings.state / "ledger", sync=sync)))
        catalogs = opened.enter_context(closing(Catalogs(settings.state / "catalog")))
        rows = opened.enter_context(closing(ShardRows(settings.state / "rows", member.index, sync=sync)))
        metrics = Metrics()
        metrics.configured(settings.state, settings.epoch)
        rejects = RejectWatch(
            lambda topic: None if topic in settings.market_topics else settings.format_of(topic),
            settings.max_event_bytes,
        )
        loads = opened.enter_context(LoadLog(settings.state, member, go.run)) if member.addresses else None
        instrumentation = Instrumentation(metrics, rejects=rejects, loads=loads)
        limits = Limits(settings.stall_after, settings.stall_after + settings.epoch)
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
        announce(server.port)
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
            owned=owned,
            board=board,
            pulse=pulse,
        )
        instrumentation.source = source
        outputs = {
            name: KafkaSink(cluster, _of_topic(topic, first.sinks), producer, member=member)
            for name, topic in settings.output_topics.items()
        }
        edges = Edges(
            source if member.addresses else opened.enter_context(errors_after_run(source)),
            outputs,
            FeatureStoreSink(settings.state / "features", member=member),
            CallbackSink(instrumentation.measure, instrumentation.sealed, member),
            PaceSink(member, board) if member.addresses else None,
            member,
        )
        stations = stations_of(
            *(settings, shop, first.sources, ledgers.of, catalogs.of),
            rows_of=rows.of,
            ordered=ordered,
            emit_after_s=_emit_after_s(settings, first),
            markets_known=first.markets,
        )
        if member.leads:
            unread = UnreadPartitions(metrics, shutdown, restarts=settings.added_partitions == "restart")
            check_s = settings.partition_check.total_seconds()
            opened.enter_context(AddedPartitions(cluster, first.sources, unread.looked, interval_s=check_s))
        _log_start(settings, first, server.port, member, len(owned))
        tune_gc()
        _run(settings, member, edges, stations)
    if shutdown.restart_reason is not None:
        log.info("stopped: to be started again")
        raise RestartNeededError(f"{shutdown.restart_reason}; start it again")
    log.info("stopped: %s", "asked to" if shutdown.is_requested else "the input has ended")


def _run(settings: Settings, member: Member, edges: Edges, stations: Stations) -> None:
    store = settings.state / "recovery"
    if member.addresses:
        run_member(member, edges, stations, epoch=settings.epoch, store=store)
    else:
        flow, recovery = build_dataflow(edges, stations), recovery_config(store)
        run_main(flow, epoch_interval=settings.epoch, recovery_config=recovery)


def _start_alone_or_together(  # noqa: PLR0913  what a start knows
    settings: Settings, shop: Shop, cluster: Cluster, member: Member, shutdown: Shutdown, *, ordered: bool
) -> Go | None:
    """Return what to start with; None where it was asked to stop while it waited for other processes."""
    if not member.addresses:
        check_whole(settings.state)
        first = _first_start(settings, shop, cluster)
        return Go(
            run="", readers=dict.fromkeys(first.sources, 0), first=first, disk="", epoch=0, is_new=False
        )
    try:
        return start_together(
            settings,
            member,
            lambda: _first_start(settings, shop, cluster),
            lambda: shutdown.is_requested,
            ordered=ordered,
        )
    except StoppedError:
        return None


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


def _emit_after_s(settings: Settings, first: FirstStart) -> float:
    return first.started_at_s if settings.emit_after is None else settings.emit_after.timestamp()


def _has_catalog(settings: Settings, first: FirstStart, cluster: Cluster) -> bool:
    """Return whether anything was ever written to the catalog's topic."""
    partitions = _of_topic(settings.topic_of("catalog"), first.sources)
    return any(end_offsets(cluster, partitions).values())


def _of_topic(topic: str, partitions: dict[str, int]) -> dict[str, int]:
    return {name: end for name, end in partitions.items() if topic_partition(name)[0] == topic}


def _log_start(settings: Settings, first: FirstStart, port: int, member: Member, owned: int) -> None:
    packages = {name: version(name) for name in ("offerstream", "bytewax", "river", "confluent-kafka")}
    log.info(
        "started%s: %s; policy %s; reads %s in %d partitions from %s%s; state %s, first started %s; "
        "metrics on %s:%d",
        f" process {member.index} of {member.count}" if member.addresses else "",
        ", ".join(f"{name} {number}" for name, number in packages.items()),
        settings.policy,
        ", ".join(settings.input_topics),
        owned,
        settings.bootstrap,
        f", schemas from {settings.schema_registry}" if settings.schema_registry else "",
        settings.state,
        datetime.fromtimestamp(first.started_at_s, UTC).isoformat(timespec="seconds"),
        settings.metrics_host,
        port,
    )
