"""A worker is asked to end for good, or to be started again."""

from flows.worker.shutdown import Shutdown


def test_a_request_is_for_good_unless_it_says_why_to_start_again():
    shutdown = Shutdown()
    assert (shutdown.is_requested, shutdown.restart_reason) == (False, None)
    shutdown.request_restart("partitions were added")
    assert (shutdown.is_requested, shutdown.restart_reason) == (True, "partitions were added")


def test_who_asks_for_the_end_while_a_restart_begins_gets_the_end():
    shutdown = Shutdown()
    shutdown.request_restart("partitions were added")
    shutdown.request()
    assert (shutdown.is_requested, shutdown.restart_reason) == (True, None)


def test_a_worker_that_shuts_down_for_good_is_not_started_again():
    shutdown = Shutdown()
    shutdown.request()
    shutdown.request_restart("partitions were added")
    assert shutdown.restart_reason is None


def test_the_grace_period_begins_with_the_first_request():
    shutdown = Shutdown(grace_s=-1.0)
    assert not shutdown.is_overdue
    shutdown.request_restart("partitions were added")
    assert shutdown.is_overdue
