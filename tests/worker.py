"""The real worker as a process of its own, which a test starts, stops and kills."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

ROOT = Path(__file__).parents[1]
TOPICS = ("events", "feedback", "offers", "decisions", "rejected")


class Worker:
    """``offerstream live`` over topics of its own, with settings and, if wanted, a point at which it dies."""

    def __init__(self, bootstrap, state, topics, *, offers=None, args=(), **settings):
        self.bootstrap = bootstrap
        self.state = state
        self.topics = topics
        self.log = state.with_name(f"{state.name}.log")
        names = {f"{name}_topic": topics[name] for name in TOPICS[1:]}
        given = {"events_topics": topics["events"], "metrics_port": "0", **names, **settings}
        sets = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
        shop = [] if offers is None else ["--offers", str(offers)]
        self._command = [
            *(sys.executable, "-m", "flows.cli", "live", "--bootstrap", bootstrap, "--state", str(state)),
            *(*args, *shop, *sets),
        ]
        self.process = None

    def start(self, crash_at=None):
        env = {name: value for name, value in os.environ.items() if not name.startswith("OFFERSTREAM_")}
        env |= {"PYTHONPATH": str(ROOT), "RUST_BACKTRACE": "0"}
        if crash_at is not None:
            env["OFFERSTREAM_CRASH_AT"] = crash_at
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, cwd=ROOT, env=env, stdout=log, stderr=log)
        return self

    def until(self, reached, seconds=60):
        """Wait until something holds; the worker must not end before."""
        deadline = time.monotonic() + seconds
        while not reached():
            if self.process.poll() is not None:
                raise AssertionError(f"the worker ended ({self.process.returncode}): {self.words()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not reached in {seconds} s: {self.words()}")
            time.sleep(0.05)

    def started(self):
        """Wait until it says that it has started."""
        before = self.words().count(": started")
        self.until(lambda: self.words().count(": started") > before)
        return self

    def ended(self, seconds=60):
        """Wait for its end by itself; return the exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {seconds} s: {self.words()}") from None

    def kill(self):
        self.process.kill()
        return self.process.wait(10)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def words(self):
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""


def send(bootstrap, records):
    """Produce (topic, partition, key, value) and wait until all are there."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "message.max.bytes": 10_000_000})
    for topic, partition, key, value in records:
        producer.produce(topic, value, key, partition=partition)
        producer.poll(0)
    if producer.flush(30):
        raise AssertionError("the broker did not take the records")


def read(bootstrap, topic, partitions):
    """All records of a topic: (id, value, headers), partition after partition."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "tests", "enable.auto.commit": False, "log_level": 0}
    )
    found = []
    for partition in range(partitions):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        consumer.assign([TopicPartition(topic, partition, low)])
        while low < high:
            for record in consumer.consume(500, 1.0):
                headers = dict(record.headers() or ())
                found.append((headers.get("ce_id", b"").decode(), record.value(), headers))
                low = record.offset() + 1
    consumer.close()
    return found


def count(bootstrap, topics, partitions):
    """How many records the topics hold together."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "tests", "log_level": 0})
    total = 0
    for topic in topics:
        for partition in range(partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            total += high - low
    consumer.close()
    return total
