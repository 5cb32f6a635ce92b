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

from flows.observability.log_events import LogEvent, tell
from flows.simulation.counters import Counters
from flows.simulation.run import simulate
from flows.simulation.settings import SimulationSettings
from schemas.errors import BrokerError, OfferstreamError

log = logging.getLogger("offerstream.simulate")

STOP_WITHIN_S: Final = 15.0
POLL_EVERY_S: Final = 0.02


class SimulationProcess:
    """A simulation for as long as a ``with`` block; it ends by itself when this process dies.

    It is started by ``python -m`` and not by ``multiprocessing``, which would import the parent's main module
    and all its models once more; in a session of its own, so that Ctrl-C reaches the parent alone.
    """

    def __init__(self, settings: SimulationSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._here, self._there = Pipe()
        self._latest = Counters(at_s=0.0)
        self._error: OfferstreamError | None = None

    @property
    def pid(self) -> int | None:
        """The process id."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the process."""
        end = self._there.fileno()
        command = [sys.executable, "-m", "flows.simulation.process", str(end)]
        self._process = subprocess.Popen(  # noqa: S603 - the command line is our own
            command, pass_fds=[end], start_new_session=True, stdin=subprocess.DEVNULL
        )
        self._there.close()
        self._here.send(self._settings)
        return self

    def counters(self) -> Counters:
        """Return its latest counters; raises the error that ended it."""
        self._receive()
        if self._error is not None:
            raise self._error
        return self._latest

    def stop(self, within_s: float = STOP_WITHIN_S) -> Counters:
        """Ask it to end, wait, and return its last counters."""
        if self._process is None or self._here.closed:
            return self._latest
        try:
            self._here.send("stop")
        except OSError:
            tell(log, LogEvent.SHOPPERS_GONE)
        until_s = time.monotonic() + within_s
        while self.alive and time.monotonic() < until_s:
            self._receive()
            time.sleep(POLL_EVERY_S)
        self._receive()
        self._process.kill()
        self._process.wait()
        self._here.close()
        return self._latest

    def _receive(self) -> None:
        try:
            while not self._here.closed and self._here.poll():
                received = self._here.recv()
                if isinstance(received, OfferstreamError):
                    self._error = received
                else:
                    self._latest = received
        except (EOFError, OSError):
            return

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def run_in_child(pipe: Connection) -> None:
    """Take settings from the pipe, simulate, and send counters until the other end writes or closes."""
    settings: SimulationSettings = pipe.recv()

    def report(counters: Counters) -> bool:
        try:
            pipe.send(counters)
            return not pipe.poll()
        except OSError:
            return False

    try:
        simulate(settings, report)
    except OfferstreamError as error:
        pipe.send(error)
    except KafkaException as error:
        pipe.send(BrokerError(str(error)))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    run_in_child(Connection(int(sys.argv[1])))
