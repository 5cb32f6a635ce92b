"""A worker that takes nothing says so within seconds, in its log and on /healthz, with the likely cause."""

import pytest

from tests.builders import segment_calls
from tests.worker import TOPICS, Worker, send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]
WITHIN_S = 15


def test_a_format_that_was_forgotten_is_said_within_seconds(broker, tmp_path, make_topic):
    topics = {name: make_topic(2, name) for name in TOPICS}
    with Worker(broker.bootstrap, tmp_path / "state", topics) as worker:
        worker.start().started()
        assert worker.health()["status"] == "ok"
        send(
            broker.bootstrap,
            [(topics["events"], n % 2, b"k", call) for n, call in enumerate(segment_calls(200))],
        )
        worker.until(lambda: "degraded: " in worker.said(), WITHIN_S)
        name = topics["events"]
        assert f"degraded: topic {name}: nothing is taken, all " in worker.said()
        assert f"; this looks like format segment: set formats={name}=segment" in worker.said()
        health = worker.health()
        assert health["status"] == "degraded"
        assert "looks like format segment" in health["reasons"][0]
        assert worker.stop() == 0
