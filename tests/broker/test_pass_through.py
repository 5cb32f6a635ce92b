"""A worker from Kafka to Kafka in a process of its own, killed and stopped where it hurts."""

import os
import signal

import pytest
from bytewax.errors import BytewaxRuntimeError

from flows.kafka import topics
from flows.kafka.cluster import Cluster
from flows.kafka.producer import NotDeliveredError
from flows.worker.shutdown import Shutdown
from tests import warm_start
from tests.broker.driving import PassThrough, ids, output, produce, until
from tests.broker.pass_through import run

pytestmark = pytest.mark.broker


@pytest.fixture
def worker(tmp_path):
    """Starts pass-through workers over one state directory."""
    running = []

    def start(cluster, source, sink, *, epoch_s=0.1, crash_at=""):
        at = [cluster.bootstrap, str(tmp_path / "state"), source, sink, str(epoch_s)]
        env = {**os.environ, "OFFERSTREAM_CRASH_AT": crash_at}
        with (tmp_path / "worker.log").open("ab") as log:
            process = warm_start.start("tests.broker.pass_through", at, env=env, stdout=log, stderr=log)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def copied(cluster, sink):
    return sorted(ids(cluster, sink))


def record_ids(source, count, partitions=2):
    return sorted(
        f"{source}/{partition}/{offset}" for partition in range(partitions) for offset in range(count)
    )


def fill(cluster, topic, count):
    for partition in range(2):
        for key in range(5):
            produce(cluster, topic, [b"x"] * (count // 5), partition, key=b"%d" % key)


def finish(process, how=signal.SIGTERM):
    process.send_signal(how)
    return process.wait(30)


def ends_at(cluster, topic):
    return sum(topics.end_offsets(cluster, topics.partitions_of(cluster, [topic])).values())


@pytest.mark.parametrize(
    "point", ["produced:1", "produced:250", "flushed:2", "before_seal:3", "before_seal:1"]
)
def test_a_crash_leaves_every_record_once(cluster, make_topic, worker, point):
    source, sink = make_topic(2), make_topic(3)
    fill(cluster, source, 200)
    dead = worker(cluster, source, sink, crash_at=point)
    assert dead.wait(30) == -signal.SIGKILL
    fill(cluster, source, 5)
    again = worker(cluster, source, sink)
    until(lambda: ends_at(cluster, sink) >= 410)
    assert finish(again) == 0
    assert copied(cluster, sink) == record_ids(source, 205)


def test_a_crash_during_the_resume_scan_leaves_every_record_once(cluster, make_topic, worker):
    source, sink = make_topic(2), make_topic(3)
    fill(cluster, source, 200)
    assert worker(cluster, source, sink, crash_at="flushed:2").wait(30) == -signal.SIGKILL
    assert worker(cluster, source, sink, crash_at="resume_scan:1").wait(30) == -signal.SIGKILL
    fill(cluster, source, 5)
    again = worker(cluster, source, sink)
    until(lambda: ends_at(cluster, sink) >= 410)
    assert finish(again) == 0
    assert copied(cluster, sink) == record_ids(source, 205)


def test_sigterm_seals_what_was_read_and_a_restart_reads_on(cluster, make_topic, worker):
    source, sink = make_topic(2), make_topic(3)
    fill(cluster, source, 100)
    first = worker(cluster, source, sink, epoch_s=600)
    until(lambda: ends_at(cluster, sink) >= 200)
    assert finish(first) == 0
    fill(cluster, source, 100)
    # the epoch is long: the second worker can resume from the snapshot of the shutdown alone
    second = worker(cluster, source, sink, epoch_s=600)
    until(lambda: ends_at(cluster, sink) >= 400)
    assert finish(second) == 0
    assert copied(cluster, sink) == record_ids(source, 200)


def test_a_broker_that_dies_and_comes_back_costs_nothing(killable_broker, worker):
    cluster = Cluster(killable_broker.bootstrap)
    topics.ensure_topics(cluster, {"events": 2, "offers": 3})
    fill(cluster, "events", 100)
    process = worker(cluster, "events", "offers")
    until(lambda: ends_at(cluster, "offers") >= 200)
    killable_broker.keep()
    killable_broker.kill()
    assert killable_broker.refuses()
    assert process.poll() is None
    killable_broker.start()
    fill(cluster, "events", 100)
    until(lambda: ends_at(cluster, "offers") >= 400, 60)
    assert finish(process) == 0
    assert copied(cluster, "offers") == record_ids("events", 200)


def test_an_epoch_that_was_not_delivered_is_not_sealed(killable_broker, tmp_path):
    patient = Cluster(killable_broker.bootstrap)
    hasty = patient._replace(settings={"delivery.timeout.ms": 2000, "request.timeout.ms": 1000})
    topics.ensure_topics(patient, {"events": 2, "offers": 3})
    fill(patient, "events", 100)
    killable_broker.keep()

    class Killing(PassThrough):
        def idle(self, now_s):
            if not killable_broker.refuses() and ends_at(patient, "offers") >= 200:
                killable_broker.keep()
                killable_broker.kill()
            return [output(f"after-{now_s}")]

    with pytest.raises(BytewaxRuntimeError) as stopped:
        run(hasty, tmp_path, "events", "offers", reader=Killing, epoch_s=5)
    assert isinstance(stopped.value.__cause__, NotDeliveredError)
    killable_broker.start()
    shutdown, readers = Shutdown(), []

    class Stopping(PassThrough):
        def __init__(self, name, state):
            super().__init__(name, state)
            readers.append(self)

        def idle(self, now_s):
            shutdown.is_requested = len(readers[0].seen) == len(readers[1].seen) == 100
            return super().idle(now_s)

    run(patient, tmp_path, "events", "offers", reader=Stopping, shutdown=shutdown)
    assert shutdown.is_requested
    assert [one for one in copied(patient, "offers") if one.startswith("events")] == record_ids("events", 100)
