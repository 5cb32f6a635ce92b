"""Kafka to Kafka: how fast the worker reads a backlog."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flows.bench.load import OFFERS, recorded_load
from flows.bench.worker import PARTITIONS, BenchTopics, BenchWorker
from flows.kafka.cluster import Cluster, create_producer, produce
from flows.kafka.sink import murmur2
from operators.simulation.load import LoadEvent
from schemas.errors import BrokerError


def send(cluster: Cluster, topic: str, loads: Iterable[LoadEvent]) -> None:
    """Produce events, keyed by visitor; raises BrokerError where the broker does not take them all."""
    client = create_producer(cluster._replace(settings={"linger.ms": 20, "batch.num.messages": 5000}))
    for at, load in enumerate(loads):
        produce(client, topic, load.value, load.visitor, partition=partition_of(load))
        if at % 1000 == 0:
            client.poll(0)
    if left := client.flush(60):
        raise BrokerError(f"the broker did not take {left} events")


def partition_of(load: LoadEvent) -> int:
    """Return the partition of an event's visitor."""
    return murmur2(load.visitor.decode()) % PARTITIONS


def backlog(bootstrap: str, state: Path, events: int, visitors: int, epoch_s: float) -> dict[str, Any]:
    """Return events per second while the worker reads a backlog in its topic."""
    with BenchTopics(bootstrap) as topics:
        send(topics.cluster, topics.names["events"], recorded_load(events, visitors))
        with BenchWorker(topics, state, epoch=f"{epoch_s:g}s", offers=str(OFFERS)) as worker:
            progress = worker.wait_for(events)
    began, ended = progress[0], progress[-1]
    return {"events_per_s": (ended.events - began.events) / (ended.at_s - began.at_s)}


def started(bootstrap: str, state: Path) -> dict[str, Any]:
    """Return the memory of a worker that has just started over empty topics."""
    with BenchTopics(bootstrap) as topics, BenchWorker(topics, state) as worker:
        return {"rss": worker.rss}
