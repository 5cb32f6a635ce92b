"""The job on each engine, with its stock parts, as a process of its own: from topic to topic.

It takes what to do as JSON on standard input and prints what it took: wall and processor time of all of its
threads from the first event it was handed to the last one it processed. It needs the packages of the group
``peers`` and nothing of this project.
"""

import gc
import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import orjson

from tests.benchmarks.peers.job import Job

BATCH = 1000
EPOCH_S = 5.0


class Stopwatch:
    """Wall and processor time between the first event and the last."""

    def __init__(self):
        self._began = None
        self.took = None

    def start(self):
        """Start, the first time."""
        if self._began is None:
            self._began = time.perf_counter(), time.process_time()

    def stop(self):
        """Stop."""
        wall_s, cpu_s = self._began
        self.took = time.perf_counter() - wall_s, time.process_time() - cpu_s


def plain(given: dict, job: Job, stopwatch: Stopwatch):
    """A loop that consumes and produces; nothing is durable."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    settings = {"bootstrap.servers": given["bootstrap"]}
    consumer = Consumer({**settings, "group.id": given["group"], "enable.auto.commit": False})
    consumer.assign([TopicPartition(given["source"], number, 0) for number in range(given["partitions"])])
    producer = Producer({**settings, "linger.ms": 5})
    sessions: dict[str, dict] = {}
    while stopwatch.took is None:
        for record in consumer.consume(BATCH, 1.0):
            stopwatch.start()
            event = orjson.loads(record.value())
            visitor = event["visitor_id"]
            sessions[visitor], score = job.step(sessions.get(visitor), event)
            if score is not None:
                producer.produce(given["sink"], score, visitor)
        producer.poll(0)
    producer.flush()
    consumer.close()


def bytewax(given: dict, job: Job, stopwatch: Stopwatch):
    """Bytewax with its Kafka source and sink, a key a visitor, and its recovery store."""
    import bytewax.operators as op
    from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
    from bytewax.dataflow import Dataflow
    from bytewax.recovery import RecoveryConfig, init_db_dir
    from bytewax.testing import run_main

    brokers = [given["bootstrap"]]

    def parse(message):
        stopwatch.start()
        event = orjson.loads(message.value)
        return event["visitor_id"], event

    def message(item):
        return KafkaSinkMessage(item[0].encode(), item[1])

    flow = Dataflow("toy")
    read = op.input("in", flow, KafkaSource(brokers, [given["source"]], tail=False, batch_size=BATCH))
    keyed = op.map("parse", read, parse)
    stepped = op.stateful_map("session", keyed, job.step)
    scored = op.filter("scored", stepped, lambda item: item[1] is not None)
    op.output("out", op.map("message", scored, message), KafkaSink(brokers, given["sink"]))
    with tempfile.TemporaryDirectory() as directory:
        init_db_dir(Path(directory), 4)
        recovery = RecoveryConfig(directory)
        run_main(flow, epoch_interval=timedelta(seconds=EPOCH_S), recovery_config=recovery)


def bytewax_gc_off(given: dict, job: Job, stopwatch: Stopwatch):
    """The same without Python's cyclic garbage collector."""
    gc.disable()
    bytewax(given, job, stopwatch)


def quix(given: dict, job: Job, stopwatch: Stopwatch):
    """Quix Streams with its state in RocksDB and in a changelog topic."""
    from quixstreams import Application

    with tempfile.TemporaryDirectory() as directory:
        app = Application(
            given["bootstrap"],
            consumer_group=given["group"],
            auto_offset_reset="earliest",
            commit_interval=EPOCH_S,
            state_dir=directory,
            loglevel="WARNING",
        )
        source = app.topic(given["source"], value_deserializer="bytes", key_deserializer="str")
        sink = app.topic(given["sink"], value_serializer="bytes", key_serializer="str")

        def step(value, state):
            stopwatch.start()
            session, score = job.step(state.get("session"), orjson.loads(value))
            state.set("session", session)
            return score

        frame = app.dataframe(source).apply(step, stateful=True)
        frame = frame.filter(lambda score: score is not None)
        frame.to_topic(sink)
        app.run(count=given["events"], timeout=30, collect=False)


ENGINES = {"plain": plain, "bytewax": bytewax, "bytewax, collector off": bytewax_gc_off, "quix": quix}


def main():
    """Run one engine and print what it took."""
    given = json.loads(sys.stdin.read())
    stopwatch = Stopwatch()
    job = Job(given["events"], stopwatch.stop)
    ENGINES[given["engine"]](given, job, stopwatch)
    wall_s, cpu_s = stopwatch.took
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "scores": job.scores}))  # noqa: T201  its result


if __name__ == "__main__":
    main()
