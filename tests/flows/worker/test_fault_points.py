"""The points at which a test kills the worker."""

import os
import signal

import pytest

from flows.worker.fault_points import fault_injector


@pytest.fixture
def killed(monkeypatch):
    kills = []
    monkeypatch.setattr(os, "kill", lambda pid, how: kills.append((pid, how)))
    return kills


def test_the_worker_dies_the_nth_time_it_reaches_the_point(killed):
    reach = fault_injector("flushed:3")
    for point in ("flushed", "produced", "flushed"):
        reach(point)
    assert killed == []
    reach("flushed")
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_without_a_number_it_dies_the_first_time(killed):
    fault_injector("flushed")("flushed")
    assert killed == [(os.getpid(), signal.SIGKILL)]


@pytest.mark.parametrize("order", [None, ""])
def test_without_an_order_no_worker_dies(killed, order):
    fault_injector(order)("flushed")
    assert killed == []
