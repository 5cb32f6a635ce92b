"""The worker: from Kafka to Kafka until it is told to stop, with everything it remembers in one directory."""

import logging
import signal
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from bytewax.testing import run_main

from flows.assembly import reader_of, rules_of
from flows.dataflow import Edges, draw
from flows.kafka.cluster import Cluster
from flows.kafka.producer import RecordProducer
from flows.kafka.sink import KafkaSink
from flows.kafka.source import KafkaSource
from flows.kafka.topics import beginnings, ends, ensure_topics, parts_of
from flows.local.callback_sink import CallbackSink
from flows.observability.health import Limits, MetricsServer
from flows.observability.instrumentation import Instrumentation, InstrumentedReader
from flows.observability.metrics import Metrics
from flows.settings import Settings
from flows.stores.bytewax_recovery import recovery
from flows.stores.features import FeatureStoreSink
from flows.stores.ledger import Ledgers
from flows.worker.gc_tuning import tune_gc
from flows.worker.shutdown import Shutdown
from flows.worker.state_dir import Offsets, Start, begin, owned
from operators.streaming.ids import SHARDS
from schemas.shop import Shop

STATE_FORMAT: Final = 3
log = logging.getLogger("offerstream")


def live(settings: Settings, *, ordered: bool = False) -> None:
    """Run the worker until SIGTERM, SIGINT or a failure; raises SetupError before it begins."""
    shop = settings.shop()
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka)
    stop = Shutdown(settings.stop_within.total_seconds())
    stop.on(signal.SIGTERM, signal.SIGINT)
    with ExitStack() as opened:
        opened.enter_context(owned(settings.state))
        start = _begin(settings, shop, cluster)
        ledgers = Ledgers(settings.state / "ledger", sync=settings.ledger_sync)
        opened.callback(ledgers.close)
        metrics = Metrics()
        watch = Instrumentation(metrics)
        limits = Limits(settings.stall_after, settings.stall_after + settings.epoch)
        server = opened.enter_context(
            MetricsServer(metrics, limits, settings.metrics_host, settings.metrics_port)
        )
        outbox = RecordProducer(cluster, metrics.delivered, stop)
        make = reader_of(settings, shop, settings.format_of, settings.state / "seen", ordered=ordered)
        source = KafkaSource(
            cluster,
            start.sources,
            lambda part, state: InstrumentedReader(make(part, state), watch),
            stop,
            most_ahead_s=settings.max_lead.total_seconds(),
            by_events=settings.idle_time == "events",
        )
        watch.source = source
        sinks = {
            topic: KafkaSink(cluster, _parts(start.sinks, topic), outbox)
            for topic in (settings.offers_topic, settings.decisions_topic, settings.rejected_topic)
        }
        edges = Edges(
            source,
            sinks[settings.offers_topic],
            sinks[settings.decisions_topic],
            sinks[settings.rejected_topic],
            FeatureStoreSink(settings.state / "features"),
            CallbackSink(watch.measure, watch.sealed),
        )
        emit_after = settings.emit_after
        emit_after_s = start.started_at_s if emit_after is None else emit_after.timestamp()
        rules = rules_of(
            settings, shop, start.sources, ledgers.of, ordered=ordered, emit_after_s=emit_after_s
        )
        flow = draw(edges, rules)
        _say_start(settings, start, server.port)
        tune_gc()
        run_main(flow, epoch_interval=settings.epoch, recovery_config=recovery(settings.state / "recovery"))
    log.info("stopped: %s", "asked to" if stop.asked else "the input has ended")


def _begin(settings: Settings, shop: Shop, cluster: Cluster) -> Start:
    outputs = (settings.offers_topic, settings.decisions_topic, settings.rejected_topic)
    topics = (*settings.input_topics, *outputs)
    ensure_topics(cluster, dict.fromkeys(topics, settings.partitions))
    inputs = parts_of(cluster, settings.input_topics)
    written = parts_of(cluster, outputs)
    low = beginnings(cluster, inputs)
    first = low if settings.begin == "earliest" else ends(cluster, inputs)
    fresh = Start(
        format=STATE_FORMAT,
        started_at_s=time.time(),
        shards=SHARDS,
        markets=tuple(shop.markets),
        sources={},
        sinks={},
    )
    return begin(settings.state, fresh, Offsets(first=first, beginnings=low, ends=ends(cluster, written)))


def _parts(parts: dict[str, int], topic: str) -> dict[str, int]:
    return {part: end for part, end in parts.items() if part.rpartition("/")[0] == topic}


def _say_start(settings: Settings, start: Start, port: int) -> None:
    packages = {name: version(name) for name in ("offerstream", "bytewax", "river", "confluent-kafka")}
    log.info(
        "started: %s; policy %s; reads %s in %d partitions from %s; state %s, first started %s; "
        "metrics on %s:%d",
        ", ".join(f"{name} {number}" for name, number in packages.items()),
        settings.policy,
        ", ".join(settings.input_topics),
        len(start.sources),
        settings.bootstrap,
        settings.state,
        datetime.fromtimestamp(start.started_at_s, UTC).isoformat(timespec="seconds"),
        settings.metrics_host,
        port,
    )
