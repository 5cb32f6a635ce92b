"""The worker where its surroundings fail: it ends in time and in words, and loses nothing."""

import os
import signal
import time
import uuid

import pytest
from confluent_kafka.cimpl import NewTopic

from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics, topic_ids
from tests.broker.test_live import PARTITIONS, QUICK, carted, send_events, visitors
from tests.brokers import administer
from tests.worker import TEN_PERCENT, TOPICS, Worker, read

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]


@pytest.fixture
def worker_on(tmp_path):
    """Makes a worker on a broker, over topics of its own, and ends it with the test."""
    workers = []

    def make(broker, **settings):
        suffix = uuid.uuid4().hex[:8]
        topics = {name: f"{name}-{suffix}" for name in TOPICS}
        ensure_topics(Cluster(broker.bootstrap), dict.fromkeys(topics.values(), PARTITIONS))
        (tmp_path / "offers.toml").write_text(TEN_PERCENT)
        own = {"offers": tmp_path / "offers.toml", "args": ("--from", "earliest")}
        workers.append(Worker(broker.bootstrap, tmp_path / "state", topics, **own, **QUICK | settings))
        return workers[-1]

    yield make
    for worker in workers:
        if worker.process is not None and worker.runs():
            worker.kill()


def is_decided(worker, *names):
    return lambda: sorted(visitors(worker, "decision")) == sorted(names)


def test_a_worker_ends_in_time_though_its_broker_hangs_and_repeats_what_it_did_not_seal(
    worker_on, killable_broker
):
    worker = worker_on(killable_broker, stop_within="2s").start().started()
    send_events(worker, carted("before"))
    worker.until(is_decided(worker, "before"))
    os.kill(killable_broker.pid, signal.SIGSTOP)
    try:
        worker.process.send_signal(signal.SIGTERM)
        assert worker.ended(seconds=15) in (0, 1)
    finally:
        os.kill(killable_broker.pid, signal.SIGCONT)
    assert "panicked" not in worker.said() or "when the time to stop was over" in worker.said()
    worker.start().started()
    send_events(worker, carted("after"))
    worker.until(is_decided(worker, "before", "after"))
    assert worker.stop() == 0
    ids = [id_ for id_, _, _ in read(worker.bootstrap, worker.topics["decisions"], PARTITIONS)]
    assert len(ids) == len(set(ids))


def test_a_worker_does_not_start_on_a_full_disk(worker_on, broker):
    worker = worker_on(broker, min_free_disk=2**60).start()
    assert worker.ended() == 74
    assert f"offerstream live: the disk of the state directory {worker.state} is full: " in worker.said()


def test_a_topic_that_was_made_anew_and_filled_past_what_was_read_is_noticed(worker_on, broker):
    worker = worker_on(broker, partition_check="200ms")
    events = worker.topics["events"]
    if not topic_ids(Cluster(broker.bootstrap), [events]):
        pytest.skip("this broker has no topic ids")
    worker.start().started()
    send_events(worker, carted("old"))
    worker.until(is_decided(worker, "old"))
    assert worker.stop() == 0
    administer(worker.bootstrap, lambda client: client.delete_topics([events]))
    time.sleep(0.5)  # the broker forgets a topic a while after it says so
    administer(worker.bootstrap, lambda client: client.create_topics([NewTopic(events, PARTITIONS, -1)]))
    send_events(worker, *(carted(f"new{n}") for n in range(5)))
    assert worker.start().ended() == 2
    last = worker.said().splitlines()[-1]
    assert last.startswith(f"offerstream live: topic {events} was made anew since the state in ")


def test_a_topic_that_is_deleted_while_it_is_read_ends_the_worker(worker_on, broker):
    worker = worker_on(broker, partition_check="200ms").start().started()
    send_events(worker, carted("old"))
    worker.until(is_decided(worker, "old"))
    events = worker.topics["events"]
    administer(worker.bootstrap, lambda client: client.delete_topics([events]))
    assert worker.ended() == 2
    assert f"offerstream live: topic {events} does not exist any longer; bring it back" in worker.said()
