"""A worker that passes records on, as a process of its own: ``BOOTSTRAP STATE IN OUT EPOCH_S``."""

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
from flows.worker.state_dir import Offsets, Start, begin, owned
from tests.broker.driving import Passing


def run(cluster, state, source_topic, sink_topic, *, epoch_s=0.1, stop=None, judge=Passing):
    """Pass on until stopped."""
    stop = stop or Shutdown()
    with owned(state):
        first = topics.beginnings(cluster, topics.parts_of(cluster, [source_topic]))
        ends = topics.ends(cluster, topics.parts_of(cluster, [sink_topic]))
        fresh = Start(format=1, started_at_s=time.time(), shards=256, markets=(), sources={}, sinks={})
        start = begin(state, fresh, Offsets(first=first, beginnings=first, ends=ends))
        recovery = state / "recovery"
        if not recovery.exists():
            recovery.mkdir()
            init_db_dir(recovery, 1)
        flow = Dataflow("passing")
        items = op.input("source", flow, KafkaSource(cluster, start.sources, judge, stop))
        keyed = op.map("key", items, lambda one: (one.key, one))
        real = op.filter("real", keyed, lambda pair: pair[1].id != "resumed")
        op.output("sink", real, KafkaSink(cluster, start.sinks, RecordProducer(cluster)))
        run_main(
            flow, epoch_interval=timedelta(seconds=epoch_s), recovery_config=RecoveryConfig(str(recovery))
        )


if __name__ == "__main__":
    bootstrap, state, source_topic, sink_topic, epoch_s = sys.argv[1:]
    wish = Shutdown()
    wish.on(signal.SIGTERM)
    run(Cluster(bootstrap), Path(state), source_topic, sink_topic, epoch_s=float(epoch_s), stop=wish)
