"""What /metrics and /healthz answer, over a real socket, with the test's own clock."""

import json
import socket
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection

import pytest

from flows.observability import bounded_server
from flows.observability.health import Limits, MetricsServer, health
from flows.observability.metrics import Metrics
from operators.ingest.counts import Counts
from schemas.errors import SetupError
from tests.flows.observability.fakes import Clock

LIMITS = Limits(watermark=timedelta(seconds=60), epoch=timedelta(seconds=45))


@pytest.fixture
def clock():
    return Clock(5_000.0)


@pytest.fixture
def metrics(clock):
    metrics = Metrics(clock, clock)
    metrics.opened("shop.events/0", Counts())
    metrics.progress.advanced("shop.events/0", 4_990.0)
    return metrics


@pytest.fixture
def ask(metrics):
    with MetricsServer(metrics, LIMITS, "127.0.0.1", 0) as server:

        def get(path: str) -> tuple[int, str]:
            connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            return answer.status, body

        get.port = server.port
        yield get


def test_a_worker_that_moves_is_healthy(ask):
    status, body = ask("/healthz")
    assert status == 200
    assert json.loads(body) == {
        "status": "ok",
        "reasons": [],
        "watermark_delay_seconds": 10.0,
        "watermark_stalled_seconds": 0.0,
        "epoch_age_seconds": 0.0,
    }


def test_a_watermark_that_stands_still_is_reported_with_the_slowest_partition(ask, metrics, clock):
    clock.now_s += 75.0
    metrics.sealed(0.01)
    status, body = ask("/healthz")
    assert status == 503
    assert json.loads(body)["reasons"] == [
        "the watermark has not moved for 75.0 s (limit 60 s), it waits for shop.events/0"
    ]


def test_epochs_that_are_not_sealed_are_a_stall(ask, metrics, clock):
    clock.now_s += 50.0
    metrics.progress.advanced("shop.events/0", 5_040.0)
    status, body = ask("/healthz")
    assert status == 503
    assert json.loads(body)["reasons"] == ["no epoch was sealed for 50.0 s (limit 45 s)"]


def test_a_worker_is_healthy_again_when_it_moves_again(ask, metrics, clock):
    clock.now_s += 500.0
    assert ask("/healthz")[0] == 503
    metrics.progress.advanced("shop.events/0", 5_490.0)
    metrics.sealed(0.01)
    assert ask("/healthz")[0] == 200


def test_what_degrades_the_worker_is_said_and_a_restart_would_not_mend_it(ask, metrics, clock):
    metrics.concerns.watch("partitions", lambda: {"shop.events": "two partitions are not read"})
    status, body = ask("/healthz")
    assert status == 200
    assert json.loads(body)["status"] == "degraded"
    assert json.loads(body)["reasons"] == ["two partitions are not read"]
    clock.now_s += 75.0
    status, body = ask("/healthz")
    assert status == 503
    assert json.loads(body)["status"] == "stalled"
    assert json.loads(body)["reasons"][-1] == "two partitions are not read"


def test_a_market_whose_orders_never_join_degrades_the_worker(ask, metrics):
    joins = {"orders_seen": 40.0, "orders_unattributed_share": 1.0, "unattributed_with_user": 1.0}
    metrics.measured("de", joins)
    metrics.measured("uk", joins | {"orders_unattributed_share": 0.6})
    status, body = ask("/healthz")
    assert status == 200
    (said,) = json.loads(body)["reasons"]
    assert said.startswith("market de: Orders come but do not join: 100% of the last ones")


def test_reading_days_of_old_messages_is_no_stall(metrics, clock):
    clock.now_s += 86_400.0
    metrics.progress.advanced("shop.events/0", 5_000.0)
    metrics.sealed(0.01)
    is_healthy, figures = health(metrics.progress, LIMITS)
    assert is_healthy
    assert figures["watermark_delay_seconds"] == 86_400.0


def test_a_worker_without_any_partition_stalls_too(clock):
    metrics = Metrics(clock, clock)
    clock.now_s += 61.0
    metrics.sealed(0.01)
    is_healthy, figures = health(metrics.progress, LIMITS)
    assert not is_healthy
    assert figures["watermark_delay_seconds"] is None
    assert figures["reasons"] == [
        "the watermark has not moved for 61.0 s (limit 60 s), it waits for the first partition"
    ]


def test_a_worker_that_moves_but_does_not_do_all_it_should_is_degraded_and_answers_200(ask, metrics):
    metrics.concerns.watch("rejects", lambda: {"shop.events": "the first reason"})
    metrics.concerns.watch("partitions", lambda: {"shop.feedback": "the second reason"})
    status, body = ask("/healthz")
    assert (status, json.loads(body)["status"]) == (200, "degraded")
    assert json.loads(body)["reasons"] == ["the first reason", "the second reason"]


def test_a_stall_is_worse_than_being_degraded(ask, metrics, clock):
    clock.now_s += 46.0
    metrics.concerns.watch("rejects", lambda: {"shop.events": "a reason"})
    status, body = ask("/healthz")
    assert (status, json.loads(body)["status"]) == (503, "stalled")
    assert json.loads(body)["reasons"] == ["no epoch was sealed for 46.0 s (limit 45 s)", "a reason"]


def test_prometheus_reads_the_same_server(ask):
    status, body = ask("/metrics")
    assert status == 200
    assert "offerstream_watermark_delay_seconds 10.0" in body


def test_any_other_path_names_the_known_ones(ask):
    assert ask("/") == (404, "there are /metrics, /healthz\n")


def test_a_port_in_use_is_refused(metrics):
    with (
        MetricsServer(metrics, LIMITS, "127.0.0.1", 0) as first,
        pytest.raises(SetupError, match=rf"one this machine can listen on; got 127\.0\.0\.1:{first.port}"),
    ):
        MetricsServer(metrics, LIMITS, "127.0.0.1", first.port)


def test_a_watermark_ahead_of_the_clock_is_unhealthy_unless_time_is_simulated(ask, metrics, clock):
    clock.now_s -= 20.0
    status, body = ask("/healthz")
    assert (status, json.loads(body)["watermark_delay_seconds"]) == (503, -10.0)
    (reason,) = json.loads(body)["reasons"]
    assert reason.startswith("the watermark is 10.0 s ahead of this machine's clock: the clock was ahead and")
    assert health(metrics.progress, LIMITS._replace(ahead=None))[0]


def test_who_asks_slowly_or_too_often_is_hung_up_on_and_others_are_answered(ask, monkeypatch, capfd):
    port = ask.port
    monkeypatch.setattr(bounded_server, "ANSWER_WITHIN_S", 0.05)
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    for one in slow:
        one.settimeout(10)
        one.sendall(b"GET /metrics")
    for one in slow:
        with suppress(ConnectionResetError):
            assert one.recv(100) == b""
        one.close()
    assert ask("/healthz")[0] == 200
    said = capfd.readouterr()
    assert "Traceback" not in said.err + said.out
