"""The worker: from Kafka to Kafka until it is asked to shut down, with all its state in one directory."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Final

from bytewax.testing import run_main

from flows.assembly import reader_of, stations_of
from flows.backup.seal_gate import SealGate
from flows.backup.service import BackupService
from flows.cluster.layout import read_layout
from flows.cluster.loads import LoadLog
from flows.cluster.membership import ALONE, Member
from flows.cluster.pace import PaceBoard
from flows.cluster.run import run_member
from flows.dataflow import Edges, Stations, build_dataflow
from flows.kafka.added_partitions import AddedPartitions
from flows.kafka.cluster import Cluster
from flows.kafka.producer import RecordProducer
from flows.kafka.schema_registry.start import schema_registry
from flows.kafka.schema_registry.subjects import subjects_of
from flows.kafka.sink import KafkaSink
from flows.kafka.source import KafkaSource
from flows.kafka.topics import (
    end_offsets,
    max_message_bytes,
    topic_partition,
)
from flows.live_page.process import PageProcess
from flows.live_page.worker_url import worker_url_of
from flows.local.batched_sink import BatchedSink
from flows.local.callback_sink import CallbackSink
from flows.observability.disk_use import DiskUse
from flows.observability.health import Limits, MetricsServer
from flows.observability.instrumentation import Instrumentation, InstrumentedReader
from flows.observability.log_events import LogEvent, tell
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
from flows.worker.erasure_cleaning import ErasureCleaning
from flows.worker.gc_tuning import tune_gc
from flows.worker.noted_databases import noted_databases
from flows.worker.pulse import Pulse
from flows.worker.shutdown import Shutdown
from flows.worker.source_errors import errors_after_run
from flows.worker.starting import start_alone_or_together
from flows.worker.state_dir import (
    FirstStart,
    locked_state_dir,
    relearned_in,
)
from flows.worker.steady_clock import SteadyClock, in_words
from flows.worker.topic_changes import TopicChanges
from flows.worker.unread_partitions import UnreadPartitions
from schemas.errors import RestartNeededError

MOST_AHEAD: Final = timedelta(seconds=5)
"""The watermark is behind the clock by ``lateness``, where the clock is right."""
SET_BACK_S: Final = 30.0
CLOSE_S: Final = 5.0
"""Beyond the time to stop: what the clients get to close once no record is waited for any longer."""
log = logging.getLogger("offerstream")


def live(  # noqa: PLR0915  what a worker is made of, once
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
    log_to_stderr(settings.log_format, settings.log_level)
    shop = settings.shop()
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    grace_s = settings.stop_within.total_seconds()
    shutdown = Shutdown(grace_s, lambda: end_within(grace_s + CLOSE_S))
    clock = SteadyClock(on_step=partial(_stepped, shutdown))
    shutdown.request_on(signal.SIGTERM, signal.SIGINT)
    registers = settings.register_schemas and member.leads
    registered = subjects_of(settings.output_topics) if registers else {}
    with ExitStack() as opened:
        opened.enter_context(_held_state(settings, member))
        schemas = opened.enter_context(
            schema_registry(settings.schema_registry, settings.schema_registry_client, registered)
        )
        go = start_alone_or_together(settings, shop, cluster, member, shutdown, ordered=ordered)
        if go is None:
            tell(log, LogEvent.STOPPED, why="asked to")
            return
        first, owned = go.first, [name for name, reader in go.readers.items() if reader == member.index]
        board = PaceBoard(member, go.readers.values(), partial(_stop_with_another, shutdown))
        sync = settings.ledger_sync
        every_s = settings.erasure_cleaning.total_seconds()
        cleaning = ErasureCleaning(settings.state, every_s, member=member)
        erased = cleaning.erased
        ledgers = opened.enter_context(
            closing(Ledgers(settings.state / "ledger", sync=sync, on_erased=erased))
        )
        catalogs = opened.enter_context(closing(Catalogs(settings.state / "catalog")))
        rows = opened.enter_context(
            closing(ShardRows(settings.state / "rows", member.index, sync=sync, on_erased=erased))
        )
        opened.enter_context(cleaning)
        disk = opened.enter_context(DiskWatch(settings.state, settings.min_free_disk, shutdown))
        metrics = Metrics(
            clock, disk=DiskUse(settings.state), machine={"disk": disk.reasons, "clock": clock.reasons}
        )
        metrics.configured(settings.state, settings.epoch)
        rejects = RejectWatch(
            lambda topic: None if topic in settings.market_topics else settings.format_of(topic),
            settings.max_event_bytes,
        )
        loads = opened.enter_context(LoadLog(settings.state, member, go.run)) if member.addresses else None
        instrumentation = Instrumentation(metrics, rejects=rejects, loads=loads)
        pulse = Pulse()
        port = opened.enter_context(_served(settings, instrumentation, shutdown, pulse, member))
        announce(port)
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
            owned=owned,
            board=board,
        )
        instrumentation.source = source
        instrumentation.after_seal = cleaning.sealed
        backups = BackupService(settings.state, SealGate(), member.index, member.count)
        instrumentation.before_seal = opened.enter_context(backups).gate.wait
        outputs = {
            name: _sink(cluster, _of_topic(topic, first.sinks), producer, member)
            for name, topic in settings.output_topics.items()
        }
        edges = Edges(
            source if member.addresses else opened.enter_context(errors_after_run(source)),
            outputs,
            FeatureStoreSink(settings.state / "features", member=member, on_erased=erased),
            CallbackSink(instrumentation.measure, instrumentation.sealed, member),
            CallbackSink(board.put_all, member=member) if member.addresses else None,
            member,
        )
        stations = stations_of(
            *(settings, shop, first.sources, ledgers.of, catalogs.of),
            rows_of=rows.of,
            relearned_of=relearned_in(settings.state),
            ordered=ordered,
            emit_after_s=_emit_after_s(settings, first),
            markets_known=first.markets,
            erasure_key=first.erasure_key,
        )
        if member.leads:
            opened.enter_context(_watched_partitions(settings, cluster, first, metrics, shutdown))
        _log_start(settings, first, port, member, len(owned))
        tune_gc()
        _run(settings, member, edges, stations)
    if shutdown.restart_reason is not None:
        tell(log, LogEvent.STOPPED, why="to be started again")
        raise RestartNeededError(f"{shutdown.restart_reason}; start it again")
    tell(log, LogEvent.STOPPED, why="asked to" if shutdown.is_requested else "the input has ended")


@contextmanager
def _held_state(settings: Settings, member: Member) -> Iterator[None]:
    """Hold the state directory; what its databases are is noted by one process."""
    directory = settings.state
    with ExitStack() as opened:
        if not member.is_supervised:
            opened.enter_context(locked_state_dir(directory, member.index if member.addresses else None))
        check_free(directory, settings.min_free_disk)
        if member.leads or read_layout(directory) is not None:
            opened.enter_context(noted_databases(directory))
        yield


@contextmanager
def _served(
    settings: Settings, instrumentation: Instrumentation, shutdown: Shutdown, pulse: Pulse, member: Member
) -> Iterator[int]:
    """Answer for this process, and serve the live page where one is wanted; yield the port of metrics."""
    with ExitStack() as opened:
        server = opened.enter_context(_server(settings, instrumentation, shutdown, pulse))
        if settings.ui is not None and member.leads and not member.is_supervised:
            opened.enter_context(PageProcess(settings, worker_url_of(settings, server.port)))
        yield server.port


def _server(
    settings: Settings, instrumentation: Instrumentation, shutdown: Shutdown, pulse: Pulse
) -> MetricsServer:
    """Return what answers for this process."""
    metrics = instrumentation.metrics
    ahead = MOST_AHEAD if settings.idle_time == "wall" else None
    limits = Limits(settings.stall_after, settings.stall_after + settings.epoch, ahead)
    probes = Probes(
        *(pulse, metrics.progress, shutdown, instrumentation.unassigned),
        settings.hang_after,
        settings.stall_after,
    )
    return MetricsServer(
        *(metrics, limits, settings.metrics_host, settings.metrics_port),
        pages={"/livez": probes.live, "/readyz": probes.ready},
    )


def _run(settings: Settings, member: Member, edges: Edges, stations: Stations) -> None:
    store = settings.state / "recovery"
    if member.addresses:
        run_member(member, edges, stations, epoch=settings.epoch, state=settings.state)
    else:
        flow, recovery = build_dataflow(edges, stations), recovery_config(store)
        run_main(flow, epoch_interval=settings.epoch, recovery_config=recovery)


def _watched_partitions(
    settings: Settings, cluster: Cluster, first: FirstStart, metrics: Metrics, shutdown: Shutdown
) -> AddedPartitions:
    """Return what looks for partitions that are not read and for topics that were made anew."""
    unread = UnreadPartitions(metrics, shutdown, restarts=settings.added_partitions == "restart")
    changes = TopicChanges(first.topics, unread.looked, shutdown)
    every_s = settings.partition_check.total_seconds()
    return AddedPartitions(cluster, first.sources, changes.looked, interval_s=every_s)


def _stop_with_another(shutdown: Shutdown, why: str) -> None:
    shutdown.request_restart(why or "another process was asked to stop")


def _stepped(shutdown: Shutdown, by_s: float) -> None:
    """Take a step of the machine's clock that has lasted.

    Bytewax ends an epoch by that clock: set back, it would end none for as long. A restart begins anew.
    """
    tell(log, LogEvent.CLOCK_STEPPED, by=in_words(by_s))
    if by_s <= -SET_BACK_S:
        shutdown.request_restart(f"the machine's clock was set {in_words(by_s)}")


def _emit_after_s(settings: Settings, first: FirstStart) -> float:
    return first.speaks_after_s if settings.emit_after is None else settings.emit_after.timestamp()


def _sink(cluster: Cluster, ends: dict[str, int], producer: RecordProducer, member: Member) -> BatchedSink:
    return BatchedSink(KafkaSink(cluster, ends, producer, member=member), len(ends))


def _has_catalog(settings: Settings, first: FirstStart, cluster: Cluster) -> bool:
    """Return whether anything was ever written to the catalog's topic."""
    partitions = _of_topic(settings.topic_of("catalog"), first.sources)
    return any(end_offsets(cluster, partitions).values())


def _of_topic(topic: str, partitions: dict[str, int]) -> dict[str, int]:
    return {name: end for name, end in partitions.items() if topic_partition(name)[0] == topic}


def _log_start(settings: Settings, first: FirstStart, port: int, member: Member, owned: int) -> None:
    packages = {name: version(name) for name in ("offerstream", "bytewax", "river", "confluent-kafka")}
    tell(
        log,
        LogEvent.STARTED,
        process_of=f" process {member.index} of {member.count}" if member.addresses else "",
        packages=", ".join(f"{name} {number}" for name, number in packages.items()),
        policy=settings.policy,
        topics=", ".join(settings.input_topics),
        partitions=owned,
        bootstrap=settings.bootstrap,
        schemas_from=f", schemas from {settings.schema_registry}" if settings.schema_registry else "",
        state=str(settings.state),
        first_started=datetime.fromtimestamp(first.started_at_s, UTC).isoformat(timespec="seconds"),
        metrics=f"{settings.metrics_host}:{port}",
    )
