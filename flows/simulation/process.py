"""Simulated shoppers in a process of their own, beside the worker that they keep busy."""

import logging
import subprocess
import sys
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Self

from confluent_kafka import KafkaException

from flows.simulation.kafka_link import Counters
from flows.simulation.run import SimulationSettings, simulate
from schemas.errors import OfferstreamError, SetupError

log = logging.getLogger("offerstream.simulate")

STOP_S: Final = 15.0
WAIT_S: Final = 0.02


class Simulation:
    """The shoppers, for as long as a ``with`` block; they leave by themselves when this process dies.

    They are started by ``python -m`` and not by ``multiprocessing``, which would load the parent's main
    module and all its models once more; in a session of their own, so that Ctrl-C is the parent's to judge.
    """

    def __init__(self, settings: SimulationSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._here, self._there = Pipe()
        self._latest = Counters(at_s=0.0)
        self._reason: str | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the shoppers."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether they still shop."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Let them in."""
        end = self._there.fileno()
        command = [sys.executable, "-m", "flows.simulation.process", str(end)]
        self._process = subprocess.Popen(  # noqa: S603 - the command line is our own
            command, pass_fds=[end], start_new_session=True, stdin=subprocess.DEVNULL
        )
        self._there.close()
        self._here.send(self._settings)
        return self

    def counters(self) -> Counters:
        """What the shoppers last told of themselves; raises SetupError with the reason they gave up for."""
        self._listen()
        if self._reason is not None:
            raise SetupError(self._reason)
        return self._latest

    def stop(self, within_s: float = STOP_S) -> Counters:
        """Ask them to leave, wait, and return their last figures."""
        if self._process is None or self._here.closed:
            return self._latest
        try:
            self._here.send("stop")
        except OSError:
            log.debug("the shoppers had left already")
        until_s = time.monotonic() + within_s
        while self.alive and time.monotonic() < until_s:
            self._listen()
            time.sleep(WAIT_S)
        self._listen()
        self._process.kill()
        self._process.wait()
        self._here.close()
        return self._latest

    def _listen(self) -> None:
        try:
            while not self._here.closed and self._here.poll():
                told = self._here.recv()
                if isinstance(told, str):
                    self._reason = told
                else:
                    self._latest = told
        except (EOFError, OSError):
            return

    def __enter__(self) -> Self:
        """Start them."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let them leave."""
        self.stop()


def shop_until_told(pipe: Connection) -> None:
    """Take settings from the pipe, simulate, and tell figures until the other end speaks or closes."""
    settings: SimulationSettings = pipe.recv()

    def report(counters: Counters) -> bool:
        try:
            pipe.send(counters)
            return not pipe.poll()
        except OSError:
            return False

    try:
        simulate(settings, report)
    except (OfferstreamError, KafkaException) as error:
        pipe.send(str(error))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    shop_until_told(Connection(int(sys.argv[1])))
