"""Laws 2 and 9 in several processes: whichever is killed, whenever, every record stands once."""

import copy
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from flows.cluster.state_move import state_move
from flows.kafka.broker_process import free_port
from tests.laws.test_crash import Expected, assert_every_record_once, assert_nothing_changed

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

KILLS = int(os.environ.get("KILLS", "1"))
SEED = int(os.environ.get("SEED", "7"))
"""For more than the suite has time for: ``KILLS=8 SEED=1 make test-apache TESTS=tests/laws/...``."""


@pytest.fixture(scope="module")
def expected():
    return Expected()


class Processes:
    """The worker of a shop, in another number of processes at each start."""

    def __init__(self, shop, seed):
        self.shop, self.worker = shop, shop.worker
        self._alone = shop.worker.arguments
        self._rng = random.Random(seed)

    def start(self, number):
        together = ["--processes", str(number)] if number > 1 else []
        self.worker.arguments = [*self._alone, *together]
        self.worker.start()

    def ids(self):
        """The process ids of a supervised worker, in no order."""
        pid = self.worker.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def killed(self, times, total):
        """Kill one process or another at random progress; the supervisor starts all of them again."""
        while times:
            self._wait(self._rng.randint(0, total), time.monotonic() + self._rng.uniform(0, 8))
            if ids := self.ids():
                with suppress(ProcessLookupError):
                    os.kill(self._rng.choice(ids), signal.SIGKILL)
                times -= 1

    def _wait(self, progress, deadline):
        self.worker.until(lambda: time.monotonic() > deadline or self.shop.written() >= progress)


def test_kills_and_other_numbers_of_processes_change_nothing(broker, open_shop, expected):
    shop = open_shop(broker, ordered=True)
    several, total = Processes(shop, SEED), expected.total
    several.start(1)
    shop.worker.until(lambda: shop.written() >= total // 5)
    assert shop.worker.stop() == 0
    several.start(2)
    several.killed(KILLS, total)
    shop.worker.until(lambda: shop.written() >= total // 2)
    assert shop.worker.stop() == 0
    several.start(3)
    shop.worker.until(lambda: shop.written() >= total * 2 // 3)
    shop.worker.kill()  # the supervisor, and the processes end with it
    several.start(1)
    shop.finish(at_least=total)
    assert_nothing_changed(shop, expected)


@pytest.mark.skipif("KILLS" not in os.environ, reason="the suite has no time for it: set KILLS")
def test_kills_in_immediate_mode_leave_every_record_once(broker, open_shop, expected):
    shop = open_shop(broker, ordered=False)
    several = Processes(shop, SEED)
    several.start(2)
    several.killed(KILLS, expected.total)
    shop.finish()
    assert_every_record_once(shop.said())


@pytest.mark.skipif("KILLS" not in os.environ, reason="the suite has no time for it: set KILLS")
def test_disks_of_their_own_change_nothing(broker, open_shop, expected, tmp_path):
    shop = open_shop(broker, ordered=True)
    first, total = shop.worker, expected.total
    alone, state = first.arguments, first.state
    disks = [state, tmp_path / "second", tmp_path / "third"]
    first.start()
    first.until(lambda: shop.written() >= total // 5)
    assert first.stop() == 0
    for count, progress in ((2, total * 2 // 5), (3, total * 3 // 5), (2, total * 4 // 5)):
        state_move(disks[:count], [disk for disk in disks[count:] if disk.exists()])
        run_on_disks(shop, alone, disks[:count], progress)
    first.arguments = alone
    assert "has a part of the state" in refused(first)
    state_move(disks[:1], disks[1:2])
    first.start()
    shop.finish(at_least=total)
    assert_nothing_changed(shop, expected)


def run_on_disks(shop, arguments, disks, progress):
    """Run a process on each disk until so much is written, and ask one of them to stop."""
    addresses = ",".join(f"127.0.0.1:{free_port()}" for _ in disks)
    running = []
    for number, disk in enumerate(disks):
        one = copy.copy(shop.worker)
        one.log = disk.with_name(f"{disk.name}.log")
        at = arguments.index("--state") + 1
        own = [*arguments[:at], str(disk), *arguments[at + 1 :]]
        one.arguments = [*own, "--process", str(number), "--addresses", addresses]
        running.append(one.start())
    try:
        for one in running:
            one.started()
        running[0].until(lambda: shop.written() >= progress)
        assert running[-1].stop() == 0
        assert [one.ended() for one in running[:-1]] == [75] * (len(disks) - 1)
    finally:
        for one in running:
            one.__exit__()


def refused(worker):
    """What a start says that is refused."""
    assert worker.start().ended() == 2
    return worker.said()
