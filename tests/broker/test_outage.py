"""A broker that is away: the worker waits for it, says so, and gives an orchestrator no reason to kill it."""

import socket
import threading
import time

import pytest

from flows.kafka.cluster import Cluster, create_consumer
from flows.kafka.producer import NotDeliveredError, RecordProducer
from flows.kafka.topics import ensure_topics
from flows.worker.pulse import Pulse
from flows.worker.shutdown import Shutdown
from tests.broker.driving import output
from tests.broker.test_live import QUICK, carted, records, send_events
from tests.worker import TEN_PERCENT, TOPICS, Worker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]


def test_a_worker_that_waits_for_a_stopped_broker_is_alive_and_ready_again_afterwards(request, tmp_path):
    if request.config.getoption("--broker") == "apache":
        pytest.skip("what is tried is the worker; starting Apache Kafka twice would add nothing to it")
    killable_broker = request.getfixturevalue("killable_broker")
    topics = {name: f"{name}-outage" for name in TOPICS}
    ensure_topics(Cluster(killable_broker.bootstrap), dict.fromkeys(topics.values(), 2))
    (tmp_path / "offers.toml").write_text(TEN_PERCENT)
    settings = QUICK | {"stall_after": "1s", "hang_after": "2s"}
    worker = Worker(
        *(killable_broker.bootstrap, tmp_path / "state", topics),
        offers=tmp_path / "offers.toml",
        args=("--from", "earliest"),
        **settings,
    )
    with worker.start().started():
        worker.until(lambda: worker.status("/readyz") == 200)
        send_events(worker, *(carted(f"v{n}") for n in range(20)))
        worker.until(lambda: len(records(worker, "decisions")) >= 20)  # more wait to be idle
        killable_broker.keep()
        killable_broker.stop()
        down_s = time.monotonic()
        worker.until(lambda: worker.status("/readyz") == 503)
        worker.until(lambda: time.monotonic() > down_s + 3)
        assert worker.status("/readyz") == 503
        assert worker.status("/livez") == 200
        killable_broker.start()
        worker.until(lambda: worker.status("/readyz") == 200)
        assert worker.stop() == 0


def test_waiting_for_a_delivery_is_no_hanging():
    pulse, shutdown = Pulse(), Shutdown(grace_s=0.5)
    producer = RecordProducer(Cluster("127.0.0.1:1"), shutdown=shutdown, pulse=pulse)
    producer.send(output("a"), "offers", 0, print)
    shutdown.request()
    with pytest.raises(NotDeliveredError, match="when the time to stop was over"):
        producer.flush()
    assert pulse.has_begun


def test_a_client_does_not_hammer_what_hangs_up_on_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        came_s = []

        def hang_up():
            while len(came_s) < 3:
                connection, _ = server.accept()
                came_s.append(time.monotonic())
                connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        client = create_consumer(Cluster(f"127.0.0.1:{server.getsockname()[1]}"), quiet=True)
        while thread.is_alive():
            client.poll(0.05)
        client.close()
    assert came_s[-1] - came_s[-2] > 0.5
