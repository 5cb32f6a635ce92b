"""The worker's time of day, on clocks that the test moves."""

import pytest

from flows.worker.steady_clock import SteadyClock


class Machine:
    """A clock on the wall, and the time since the machine was started."""

    def __init__(self):
        self.wall_s, self.boot_s, self.steps = 1_000_000.0, 50.0, []
        self.clock = SteadyClock(lambda: self.wall_s, lambda: self.boot_s, self.steps.append)

    def passes(self, seconds):
        self.wall_s += seconds
        self.boot_s += seconds
        return self.clock()


@pytest.fixture
def machine():
    return Machine()


def test_a_clock_that_is_slewed_is_followed_at_once(machine):
    for _ in range(10):
        machine.wall_s += 0.5
        assert machine.passes(1.0) == machine.wall_s
    assert machine.steps == []
    assert machine.clock.reasons() == {}


@pytest.mark.parametrize(("by_s", "words"), [(3600.0, "ahead by 3600.0 s"), (-40.0, "back by 40.0 s")])
def test_a_step_is_told_at_once_and_followed_once_it_has_lasted(machine, by_s, words):
    machine.wall_s += by_s
    assert machine.passes(1.0) == machine.wall_s - by_s
    assert machine.clock.reasons()["clock"].startswith(
        f"the machine's clock was set {words}; the worker goes by"
    )
    assert machine.passes(29.0) == machine.wall_s - by_s
    assert machine.steps == []
    assert machine.passes(1.0) == machine.wall_s
    assert machine.steps == [by_s]
    assert machine.clock.reasons() == {
        "clock": f"the machine's clock was set {words} and the worker has followed"
    }
    machine.passes(601.0)
    assert machine.clock.reasons() == {}


def test_a_clock_that_is_put_right_soon_has_changed_nothing(machine):
    machine.wall_s += 3600.0
    machine.passes(4.0)
    machine.wall_s -= 3600.0
    assert machine.passes(60.0) == machine.wall_s
    assert (machine.steps, machine.clock.reasons()) == ([], {})


def test_a_clock_that_keeps_stepping_is_not_believed(machine):
    before_s = machine.clock()
    for _ in range(10):
        machine.wall_s += 60.0
        machine.passes(20.0)
    assert machine.clock() == before_s + 200.0
    assert machine.steps == []
