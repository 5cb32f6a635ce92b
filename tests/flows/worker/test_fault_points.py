"""The points at which a test lets the worker die."""

import os
import signal

import pytest

from flows.worker.fault_points import crasher


@pytest.fixture
def killed(monkeypatch):
    shots = []
    monkeypatch.setattr(os, "kill", lambda pid, how: shots.append((pid, how)))
    return shots


def test_the_worker_dies_the_nth_time_it_passes_the_point(killed):
    passes = crasher("flushed:3")
    for point in ("flushed", "produced", "flushed"):
        passes(point)
    assert killed == []
    passes("flushed")
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_without_a_number_it_dies_the_first_time(killed):
    crasher("flushed")("flushed")
    assert killed == [(os.getpid(), signal.SIGKILL)]


@pytest.mark.parametrize("order", [None, ""])
def test_without_an_order_nobody_dies(killed, order):
    crasher(order)("flushed")
    assert killed == []
