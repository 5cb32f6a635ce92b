"""A topic that is gone or made anew ends the worker, for its offsets are those of another."""

import pytest

from flows.kafka.added_partitions import Look
from flows.worker.shutdown import Shutdown
from flows.worker.topic_changes import TopicChanges
from schemas.errors import BrokerError


@pytest.fixture
def shutdown():
    return Shutdown()


@pytest.fixture
def changes(shutdown):
    def noted(added):
        changes.added.append(added)

    changes = TopicChanges({"events": "a"}, noted, shutdown)
    changes.added = []
    return changes


def gone(*topics):
    return Look({}, {}, frozenset(topics))


def test_what_stays_as_it_is_ends_nothing_and_added_partitions_are_passed_on(changes, shutdown):
    changes.looked(Look({"events": [2]}, {"events": "a", "new": "b"}))
    assert shutdown.failure is None
    assert changes.added == [{"events": [2]}]


def test_a_topic_that_is_made_anew_while_it_is_read_ends_the_worker(changes, shutdown):
    changes.looked(Look({}, {"events": "b"}))
    with pytest.raises(BrokerError, match=r"^topic events was made anew while it was read: .* new state"):
        raise shutdown.failure


def test_a_topic_that_is_gone_in_two_looks_ends_the_worker(changes, shutdown):
    for look in (gone("events"), gone("other"), gone("events")):
        changes.looked(look)
        assert shutdown.failure is None
    changes.looked(gone("events"))
    with pytest.raises(BrokerError, match=r"^topic events does not exist any longer; bring it back"):
        raise shutdown.failure


def test_a_worker_that_ends_anyway_ends_as_it_was_asked_to(changes, shutdown):
    shutdown.request()
    changes.looked(Look({}, {"events": "b"}))
    assert shutdown.failure is None
