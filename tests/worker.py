"""The real worker as a process of its own, which a test starts, stops and kills."""

import os
import pickle
import re
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

from flows.kafka.cluster import TRANSIENT
from schemas.topics import INPUTS
from tests import warm_start
from tests.brokers import answered

ROOT = Path(__file__).parents[1]
TEN_OFFER = """
[[offers]]
name = "ten"
kind = "percent_off"
value = 10
channel = "on_site"
expires_after = "1h"
reward_window = "1h"
"""
TEN_PERCENT = "[markets.default]\nmargin_rate = 0.4\nholdout = 0\n" + TEN_OFFER
"""An offers file whose one offer anybody gets."""
TOPICS = ("events", "feedback", "catalog", "offers", "decisions", "rejected")


class Worker:
    """``offerstream live`` over topics of its own, with settings and, if wanted, a point at which it dies.

    A ``with`` block ends it whatever happens; so does the end of the test's own process.
    """

    module = "flows.cli"

    def __init__(self, bootstrap, state, topics, *, offers=None, args=(), **settings):
        self.bootstrap = bootstrap
        self.state = state
        own = {row.name: f"{row.name}-{topics['events']}" for row in INPUTS if row.of_markets}
        self.topics = own | topics
        self.log = state.with_name(f"{state.name}.log")
        names = ",".join(f"{name}={topic}" for name, topic in self.topics.items() if name != "events")
        given = {"events_topics": topics["events"], "topics": names, "metrics_port": "0", **settings}
        sets = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
        shop = [] if offers is None else ["--offers", str(offers)]
        self.settings = ["--state", str(state), *shop, *sets]
        self.arguments = ["live", "--bootstrap", bootstrap, *args, *self.settings]
        self.process = None
        self._begun = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def start(self, crash_at=None):
        env = {name: value for name, value in os.environ.items() if not name.startswith("OFFERSTREAM_")}
        env |= {"PYTHONPATH": str(ROOT), "RUST_BACKTRACE": "0"}
        if crash_at is not None:
            env["OFFERSTREAM_CRASH_AT"] = crash_at
        with self.log.open("ab") as log:
            self._begun = log.tell()
            self.process = warm_start.start(self.module, self.arguments, env=env, stdout=log, stderr=log)
        return self

    def runs(self):
        return self.process.poll() is None

    def until(self, reached, seconds=60):
        """Wait until something holds; the worker must not end before."""
        deadline = time.monotonic() + seconds
        while not reached():
            if not self.runs():
                raise AssertionError(f"the worker ended ({self.process.returncode}): {self.words()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not reached in {seconds} s: {self.words()}")
            time.sleep(0.02)
        return self

    def until_gone_or(self, reached, seconds=60):
        """Wait until something holds or the worker has ended."""
        deadline = time.monotonic() + seconds
        while self.runs() and not reached():
            if time.monotonic() > deadline:
                raise AssertionError(f"neither in {seconds} s: {self.words()}")
            time.sleep(0.02)

    def started(self):
        """Wait until it says that it has started."""
        return self.until(lambda: ": started" in self.said())

    def is_caught_up(self):
        """Whether all partitions are read to their ends, by what it tells of itself."""
        delay_s = self.health().get("watermark_delay_seconds")
        return delay_s is not None and delay_s < 60

    def health(self):
        return orjson.loads(self._asked("/healthz")[1])

    def metrics(self):
        return self._asked("/metrics")[1].decode()

    def status(self, path):
        """The HTTP status of one of its pages."""
        return self._asked(path)[0]

    def _asked(self, path):
        address = re.search(r"metrics on (\S+)(?: event=|$)", self.said(), re.MULTILINE)[1]
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def ended(self, seconds=60):
        """Wait for its end by itself; return the exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {seconds} s: {self.words()}") from None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        return self.process.wait(10)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def said(self):
        """What it has logged since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._begun)
            return log.read().decode(errors="replace")

    def words(self):
        return self.said()[-3000:]

    def remembered(self, step):
        """What a step of the page wrote down, key by key: (epoch, state), the newest last."""
        found = {}
        for path in sorted((self.state / "recovery").glob("part-*.sqlite3")):
            with closing(sqlite3.connect(path)) as database:
                rows = database.execute(
                    "select state_key, snap_epoch, ser_change from snaps where step_id = ?",
                    (f"offerstream.{step}",),
                )
                for key, epoch, written in rows:
                    found.setdefault(key, []).append((epoch, pickle.loads(written)))
        return {key: sorted(states, key=lambda each: each[0]) for key, states in found.items()}


def send(bootstrap, records):
    """Produce (topic, partition, key, value) in small batches, in order, and wait until all are there."""
    settings = {
        "linger.ms": 5,
        "batch.num.messages": 20,
        "enable.idempotence": True,
        "message.max.bytes": 10_000_000,
    }
    producer = Producer({"bootstrap.servers": bootstrap, **settings})
    for topic, partition, key, value in records:
        producer.produce(topic, value, key, partition=partition)
        producer.poll(0)
    if producer.flush(30):
        raise AssertionError("the broker did not take the records")


def retained(consumer, topic, partition):
    """The first offset of a partition, and the offset after its last record."""
    return answered(lambda: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10))


def read(bootstrap, topic, partitions):
    """All records of a topic: (id, value, headers), partition after partition."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "tests", "enable.auto.commit": False, "log_level": 0}
    )
    found = []
    for partition in range(partitions):
        low, high = retained(consumer, topic, partition)
        consumer.assign([TopicPartition(topic, partition, low)])
        while low < high:
            for record in consumer.consume(500, 1.0):
                if record.error() is not None:
                    assert record.error().code() in TRANSIENT, record.error()
                    continue
                headers = dict(reversed(record.headers() or ()))  # our ce_id comes first
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
            low, high = retained(consumer, topic, partition)
            total += high - low
    consumer.close()
    return total
