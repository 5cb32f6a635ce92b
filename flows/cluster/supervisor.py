"""A worker of several processes on one machine: started, watched, and ended or started again together."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from contextlib import ExitStack
from typing import Final, Self

from flows.cluster.membership import MOST_PROCESSES, Member
from flows.cluster.supervised import Orders, settings_with
from flows.cluster.whole import Whole, WholeServer
from flows.kafka.broker_process import free_port
from flows.live_page.process import PageProcess
from flows.live_page.worker_url import worker_url_of
from flows.observability.log_events import LogEvent, tell
from flows.observability.logs import log_to_stderr
from flows.settings import Settings
from flows.worker.child import send
from flows.worker.shutdown import Shutdown
from flows.worker.state_dir import locked_state_dir
from schemas.errors import RestartNeededError, SetupError, StateError

LOOPBACK: Final = "127.0.0.1"
LOOK_S: Final = 0.05
TOGETHER_S: Final = 2.0
"""So long the others may take to end by themselves once one has ended."""
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0
STEADY_S: Final = 20.0
"""After so long a run the next restart waits as short as the first."""
KILL_AFTER_S: Final = 10.0
"""Beyond ``stop_within``, which is about brokers."""

log = logging.getLogger("offerstream")


def supervise(settings: Settings, processes: int, *, ordered: bool = False) -> None:
    """Run the worker in so many processes until SIGTERM, SIGINT or a failure that a restart does not mend.

    When one dies all are started again, from the last sealed epoch. Raises SetupError, and
    RestartNeededError as one process does.
    """
    if not 1 <= processes <= MOST_PROCESSES:
        raise SetupError(f"--processes must be from 1 to {MOST_PROCESSES}; got {processes}")
    log_to_stderr(settings.log_format, settings.log_level)
    settings.shop()  # what is wrong with it is said once
    shutdown = Shutdown(settings.stop_within.total_seconds() + KILL_AFTER_S)
    shutdown.request_on(signal.SIGTERM, signal.SIGINT)
    whole = Whole(processes)
    with ExitStack() as opened:
        lock = opened.enter_context(locked_state_dir(settings.state))
        server = opened.enter_context(WholeServer(whole, settings.metrics_host, settings.metrics_port))
        if settings.ui is not None:
            opened.enter_context(PageProcess(settings, worker_url_of(settings, server.port)))
        metrics = f"{settings.metrics_host}:{server.port}"
        tell(log, LogEvent.PROCESSES_STARTED, processes=processes, metrics=metrics)
        wait_s = FIRST_WAIT_S
        while True:
            began_s = time.monotonic()
            with _Processes(settings, processes, lock, ordered=ordered) as running:
                whole.runs(running.ports)
                codes = running.until_ended(shutdown)
            if shutdown.is_requested:
                tell(log, LogEvent.STOPPED, why="asked to")
                return
            _end_for_good(codes)
            if time.monotonic() > began_s + STEADY_S:
                wait_s = FIRST_WAIT_S
            tell(log, LogEvent.PROCESSES_RESTARTED, codes=_in_words(codes), wait_s=wait_s)
            whole.restarts()
            _sleep(wait_s, shutdown)
            if shutdown.is_requested:
                tell(log, LogEvent.STOPPED, why="asked to")
                return
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _end_for_good(codes: Collection[int]) -> None:
    """Raise what one process would have ended with, where a restart does not mend that."""
    for kind in (SetupError, StateError):
        if kind.exit_code in codes:
            raise kind("a process has ended for the reason above")
    if all(code == RestartNeededError.exit_code for code in codes):
        raise RestartNeededError("all processes ended to be started again")


def _in_words(codes: Collection[int]) -> str:
    return ", ".join(
        f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}" for code in codes
    )


def _sleep(seconds: float, shutdown: Shutdown) -> None:
    until_s = time.monotonic() + seconds
    while not shutdown.is_requested and time.monotonic() < until_s:
        time.sleep(LOOK_S)


class _Processes:
    """The processes of one run. None of them outlives the block."""

    def __init__(self, settings: Settings, count: int, lock: int, *, ordered: bool) -> None:
        addresses = tuple(f"{LOOPBACK}:{port}" for port in _free_ports(count))
        given = settings_with(settings, metrics_host=LOOPBACK, metrics_port=0)
        self._orders = [
            Orders(given, Member(number, addresses, is_supervised=True), ordered) for number in range(count)
        ]
        self._lock = lock
        self._running: list[subprocess.Popen[bytes]] = []
        self.ports: dict[int, int] = {}

    def __enter__(self) -> Self:
        for number, orders in enumerate(self._orders):
            process = subprocess.Popen(
                [sys.executable, "-m", "flows.cluster.supervised"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[self._lock],  # the directory is held until the last of them is gone
                start_new_session=True,  # Ctrl-C reaches the supervisor alone
            )
            self._running.append(process)
            send(orders, process.stdin)  # type: ignore[arg-type]
            threading.Thread(target=self._listen, args=(number, process), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdin.close()  # type: ignore[union-attr]

    def _listen(self, number: int, process: subprocess.Popen[bytes]) -> None:
        with process.stdout as said:  # type: ignore[union-attr]
            for line in said:  # after the port, Bytewax tells here that it calls another process again
                if line.strip().isdigit():
                    self.ports[number] = int(line)

    def until_ended(self, shutdown: Shutdown) -> list[int]:
        """Wait until all have ended, because one has or they were asked to; return their exit codes."""
        is_told = False
        while all(process.poll() is None for process in self._running):
            if shutdown.is_requested and not is_told:
                is_told = True
                self._tell(signal.SIGTERM)
            if shutdown.is_overdue:
                tell(log, LogEvent.PROCESSES_KILLED)
                return self._killed()
            time.sleep(LOOK_S)
        deadline_s = time.monotonic() + TOGETHER_S
        while any(process.poll() is None for process in self._running):
            is_late = time.monotonic() > deadline_s
            if shutdown.is_overdue or (is_late and not shutdown.is_requested):
                return self._killed()
            if shutdown.is_requested and not is_told:
                is_told = True
                self._tell(signal.SIGTERM)
            time.sleep(LOOK_S)
        return [process.returncode for process in self._running]

    def _tell(self, what: signal.Signals) -> None:
        for process in self._running:
            if process.poll() is None:
                process.send_signal(what)

    def _killed(self) -> list[int]:
        self._tell(signal.SIGKILL)
        return [process.wait() for process in self._running]


def _free_ports(count: int) -> list[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return sorted(ports)
