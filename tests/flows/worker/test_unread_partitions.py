"""Added partitions end the worker to be started again, or degrade it."""

import logging

import pytest

from flows.observability.metric_names import Metric
from flows.observability.metrics import Metrics
from flows.worker.shutdown import Shutdown
from flows.worker.unread_partitions import UnreadPartitions


class Scene:
    def __init__(self, *, restarts):
        self.metrics, self.shutdown = Metrics(), Shutdown()
        self.unread = UnreadPartitions(self.metrics, self.shutdown, restarts=restarts)

    def count(self, topic):
        return self.metrics.registry.samples[Metric.UNREAD_PARTITIONS].values[topic,]


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO)
    return caplog


@pytest.mark.parametrize("restarts", [True, False])
def test_while_nothing_is_added_nothing_is_said(logged, restarts):
    scene = Scene(restarts=restarts)
    scene.unread.looked({"shop.events": [], "shop.feedback": []})
    assert not scene.shutdown.is_requested
    assert scene.count("shop.events") == 0
    assert scene.metrics.concerns.reasons() == []
    assert logged.messages == []


def test_added_partitions_are_said_once_and_request_a_restart(logged):
    scene = Scene(restarts=True)
    for _ in range(2):
        scene.unread.looked({"shop.events": [8, 9], "shop.feedback": []})
    assert scene.shutdown.restart_reason == "partitions were added: shop.events 8 to 9"
    assert scene.count("shop.events") == 2
    assert logged.messages == [
        "partitions were added: shop.events 8 to 9; ending, to read them after a restart"
    ]


def test_a_worker_that_ends_anyway_is_not_restarted(logged):
    scene = Scene(restarts=True)
    scene.shutdown.request()
    scene.unread.looked({"shop.events": [8]})
    assert scene.shutdown.restart_reason is None
    assert logged.messages == []


def test_a_worker_that_is_to_run_on_has_a_concern_for_each_topic():
    scene = Scene(restarts=False)
    scene.unread.looked({"shop.events": [8]})
    scene.unread.looked({"shop.feedback": [4, 6]})
    assert not scene.shutdown.is_requested
    said = "partitions were added that are not read before a restart"
    assert scene.metrics.concerns.reasons() == [f"{said}: shop.events 8", f"{said}: shop.feedback 4, 6"]


def test_a_topic_that_was_made_anew_with_fewer_partitions_lacks_nothing():
    scene = Scene(restarts=False)
    scene.unread.looked({"shop.events": [8]})
    scene.unread.looked({})
    assert scene.count("shop.events") == 1
    scene.unread.looked({"shop.events": []})
    assert scene.count("shop.events") == 0
    assert scene.metrics.concerns.reasons() == []
