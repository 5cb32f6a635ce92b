"""From the scheduled sending of an event to the offer that follows from it, at a steady rate, open loop."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from flows.bench.kafka import partition_of, send
from flows.bench.latency_probe import AppendedRecords, LatencyProbe
from flows.bench.worker import BenchTopics, BenchWorker
from flows.kafka.broker_process import LEASH
from flows.kafka.cluster import Cluster, create_producer
from operators.simulation.load import LoadEvent, load_events
from operators.simulation.native_event import rfc3339

GAP_S: Final = 40.0
"""Silence that ends a visit here, so that the wanted number of visitors is live at the wanted rate."""
WARM_S: Final = 2.0
"""What is sent first is not counted: connections are still being made."""
NAP_S: Final = 0.0005
TAIL_S: Final = 2.0
CAUSE: Final = b'"cart_item_added"'
OFFER: Final = b'"offer.decided"'


class SteadyLoad(NamedTuple):
    """A rate of events per second, the number of visitors, and for how many seconds."""

    rate: float
    visitors: int
    seconds: float


def send_steadily(
    cluster: Cluster, topic: str, loads: Iterator[LoadEvent], rate: float, probe: LatencyProbe
) -> list[float]:
    """Send events on schedule, whatever follows; return how late each consequence was, in seconds.

    An event carries the time at which it was scheduled, to the millisecond.
    """
    client = create_producer(cluster)
    probe.poll(float("inf"))
    began_s = time.time() + 0.5
    counted_s = began_s + WARM_S

    def wait(until_s: float) -> None:
        while time.time() < until_s:
            client.poll(0)
            probe.poll(counted_s)
            time.sleep(NAP_S)

    for number, load in enumerate(loads):
        due_s = began_s + number / rate
        wait(due_s)
        value = load.value.replace(rfc3339(load.at_s).encode(), rfc3339(due_s).encode(), 1)
        client.produce(topic, value, load.visitor, partition=partition_of(load))
        if number % 50 == 0:
            probe.poll(counted_s)
    wait(time.time() + TAIL_S)
    client.flush(10)
    probe.close()
    return probe.late_s


def offer_latency(bootstrap: str, state: Path, load: SteadyLoad, epoch_s: float) -> dict[str, Any]:
    """Return the percentiles of offers, in milliseconds, while so many visitors are live."""
    before = int(load.rate * GAP_S)
    measured = int(load.rate * (WARM_S + load.seconds))
    loads = load_events(before + measured, load.visitors, rate=load.rate, starts_at_s=time.time() - GAP_S)
    settings = {"session_gap": f"{GAP_S:g}s", "idle_after": f"{GAP_S / 2:g}s", "epoch": f"{epoch_s:g}s"}
    with BenchTopics(bootstrap) as topics:
        # Before the worker starts: once it has read to the end, it takes nothing older than its own clock.
        send(topics.cluster, topics.names["events"], islice(loads, before))
        with BenchWorker(topics, state, triggers="cart_changed", **settings) as worker:
            worker.wait_for(before)
            time.sleep(1.0)
            probe = LatencyProbe(topics.cluster, topics.names["offers"], OFFER)
            return percentiles(send_steadily(topics.cluster, topics.names["events"], loads, load.rate, probe))


def bare_loop(bootstrap: str, load: SteadyLoad) -> dict[str, Any]:
    """Return the same percentiles of a loop that only consumes and produces."""
    loads = load_events(int(load.rate * (WARM_S + load.seconds)), load.visitors, rate=load.rate)
    with BenchTopics(bootstrap, "events", "passed") as topics, ExitStack() as running:
        source, sink = topics.names["events"], topics.names["passed"]
        loop = subprocess.Popen(  # noqa: S603  the command line is our own
            [*LEASH, sys.executable, "-m", "flows.bench.latency", bootstrap, source, sink],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        running.callback(loop.wait)
        running.callback(loop.kill)
        if loop.stdout is not None:
            loop.stdout.readline()
            loop.stdout.close()
        probe = LatencyProbe(topics.cluster, sink, CAUSE)
        return percentiles(send_steadily(topics.cluster, source, loads, load.rate, probe))


def pass_events_on(bootstrap: str, source: str, sink: str) -> None:
    """Consume events and produce those that cause offers, until it is killed."""
    cluster = Cluster(bootstrap)
    reading, writing = AppendedRecords(cluster, source), create_producer(cluster)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        records = reading.poll()
        for record in records:
            value = record.value()
            if record.error() is None and value and CAUSE in value:
                writing.produce(sink, value, record.key(), partition=record.partition())
        writing.poll(0)
        if not records:
            time.sleep(NAP_S)


def percentiles(late_s: list[float]) -> dict[str, Any]:
    """Return the median, the 99th percentile and the greatest, in milliseconds, and how many there were.

    Raises RuntimeError where nothing arrived.
    """
    if not late_s:
        raise RuntimeError("nothing followed from the events that were sent")
    late_s.sort()
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    last = len(late_s) - 1
    percentile = {name: late_s[min(int(len(late_s) * share), last)] * 1000 for name, share in shares.items()}
    return {**percentile, "count": len(late_s)}


if __name__ == "__main__":
    pass_events_on(*sys.argv[1:])
