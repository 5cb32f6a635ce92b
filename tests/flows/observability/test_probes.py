"""What /livez and /readyz answer: a worker that waits for a broker is not to be killed, one that hangs is."""

import json
from datetime import timedelta
from http.client import HTTPConnection

import pytest

from flows.observability.health import Limits, MetricsServer
from flows.observability.metrics import Metrics
from flows.observability.probes import Probes
from flows.worker.pulse import Pulse
from flows.worker.shutdown import Shutdown
from operators.ingest.counts import Counts
from tests.flows.observability.fakes import Clock

PART = "shop.events/0000"
STALL_AFTER = timedelta(seconds=60)


class World:
    """A worker as its probes see it, at a time that a test moves."""

    def __init__(self):
        self.clock = Clock(5_000.0)
        self.metrics = Metrics(self.clock, self.clock)
        self.pulse = Pulse(self.clock)
        self.shutdown = Shutdown()
        self.unassigned = [PART]
        self.metrics.opened(PART, Counts())
        self.probes = Probes(
            *(self.pulse, self.metrics.progress, self.shutdown, lambda: self.unassigned),
            timedelta(seconds=300),
            STALL_AFTER,
        )

    def reads(self):
        self.pulse.beat()
        self.unassigned = []
        self.metrics.progress.advanced(PART, self.clock.now_s)


@pytest.fixture
def world():
    return World()


def test_a_worker_becomes_ready_step_by_step_and_is_alive_all_the_while(world):
    steps = [
        (lambda: None, "the state is being restored"),
        (world.pulse.beat, f"no broker has told yet where {PART} ends"),
        (world.unassigned.clear, f"there is no watermark yet: it waits for {PART}"),
    ]
    for step, reason in steps:
        step()
        assert world.probes.ready() == (False, {"status": "failed", "reasons": [reason]})
        assert world.probes.live()[0]
    world.reads()
    assert world.probes.ready() == (True, {"status": "ok", "reasons": []})


def test_restoring_a_large_state_is_no_reason_to_be_killed(world):
    world.clock.now_s += 3_600.0
    assert world.probes.live()[0]


def test_who_waits_for_a_broker_is_alive_and_not_ready(world):
    world.reads()
    world.clock.now_s += 400.0
    world.pulse.beat()
    assert world.probes.live() == (True, {"status": "ok", "reasons": []})
    is_ready, said = world.probes.ready()
    assert not is_ready
    assert said["reasons"] == ["the watermark has not moved for 400.0 s (limit 60 s)"]
    world.reads()
    assert world.probes.ready()[0]


def test_a_loop_that_does_not_turn_is_to_be_killed(world):
    world.reads()
    world.clock.now_s += 301.0
    is_alive, said = world.probes.live()
    assert not is_alive
    assert said["reasons"] == ["the loop has not turned for 301.0 s (limit 300 s)"]


def test_who_shuts_down_is_not_ready(world):
    world.reads()
    world.shutdown.request()
    assert world.probes.ready() == (False, {"status": "failed", "reasons": ["it shuts down"]})
    assert world.probes.live()[0]


def test_both_are_asked_over_http_beside_the_health_page(world):
    pages = {"/livez": world.probes.live, "/readyz": world.probes.ready}
    limits = Limits(STALL_AFTER, STALL_AFTER)
    with MetricsServer(world.metrics, limits, "127.0.0.1", 0, pages=pages) as server:

        def ask(path):
            connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            return answer.status, body

        assert ask("/livez") == (200, b'{"status": "ok", "reasons": []}')
        status, body = ask("/readyz")
        assert (status, json.loads(body)["status"]) == (503, "failed")
        assert ask("/") == (404, b"there are /metrics, /healthz, /livez, /readyz\n")
