"""A worker that copies one topic to another, as a process of its own: ``BOOTSTRAP STATE IN OUT EPOCH_S``."""

import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax._bytewax import run_main
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir

from flows.kafka import topics
from flows.kafka.cluster import Cluster
from flows.kafka.producer import RecordProducer
from flows.kafka.sink import KafkaSink
from flows.kafka.source import KafkaSource
from flows.worker.shutdown import Shutdown
from flows.worker.state_dir import FirstStart, TopicOffsets, locked_state_dir, start_or_resume
from tests.broker.driving import PassThrough


def run(cluster, state, source_topic, sink_topic, *, epoch_s=0.1, shutdown=None, reader=PassThrough):
    """Copy until stopped."""
    shutdown = shutdown or Shutdown()
    with locked_state_dir(state):
        beginnings = topics.beginning_offsets(cluster, topics.partitions_of(cluster, [source_topic]))
        ends = topics.end_offsets(cluster, topics.partitions_of(cluster, [sink_topic]))
        new = FirstStart(format=1, started_at_s=time.time(), shards=64, markets=(), sources={}, sinks={})
        now = TopicOffsets(start=beginnings, beginnings=beginnings, ends=ends)
        first = start_or_resume(state, new, now)
        recovery = state / "recovery"
        if not recovery.exists():
            recovery.mkdir()
            init_db_dir(recovery, 1)
        source = KafkaSource(cluster, first.sources, reader, shutdown, max_lead_s=300.0)
        flow = Dataflow("pass_through")
        items = op.input("source", flow, source)
        keyed = op.map("key", items, lambda one: (one.key, one))
        copied = op.filter("copied", keyed, lambda pair: pair[1].id != "resumed")
        op.output("sink", copied, KafkaSink(cluster, first.sinks, RecordProducer(cluster)))
        run_main(
            flow, epoch_interval=timedelta(seconds=epoch_s), recovery_config=RecoveryConfig(str(recovery))
        )


if __name__ == "__main__":
    bootstrap, state, source_topic, sink_topic, epoch_s = sys.argv[1:]
    requested = Shutdown()
    requested.request_on(signal.SIGTERM)
    run(Cluster(bootstrap), Path(state), source_topic, sink_topic, epoch_s=float(epoch_s), shutdown=requested)
