"""The points at which a test lets the worker die."""

import os
import signal

import pytest

from flows.worker.fault_points import fault_injector


@pytest.fixture
def killed(monkeypatch):
    shots = []
    monkeypatch.setattr(os, "kill", lambda pid, how: shots.append((pid, how)))
    return shots


def test_the_worker_dies_the_nth_time_it_passes_the_point(killed):
    passes = fault_injector("flushed:3")
    for point in ("flushed", "produced", "flushed"):
        passes(point)
    assert killed == []
    passes("flushed")
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_without_a_number_it_dies_the_first_time(killed):
    fault_injector("flushed")("flushed")
    assert killed == [(os.getpid(), signal.SIGKILL)]


@pytest.mark.parametrize("order", [None, ""])
def test_without_an_order_nobody_dies(killed, order):
    fault_injector(order)("flushed")
    assert killed == []
