"""The worker of the demo as a process of its own, and the metrics it exposes."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flows.live_page.address import Address
from flows.observability.registry import Exposition
from flows.settings import Settings
from schemas.errors import SetupError

START_WITHIN_S: Final = 60.0
STOP_WITHIN_S: Final = 20.0
POLL_EVERY_S: Final = 0.25
LOG_TAIL: Final = 1000


class WorkerProcess:
    """A worker that has started; its log says why it ended."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process = process
        self._port = port
        self._log = log

    def check(self) -> None:
        """Raise SetupError with the end of its log where it has ended."""
        if self._process.poll() is not None:
            raise SetupError(f"the worker ended: {self._log_tail()}")

    def metrics(self) -> Exposition:
        """Return what it exposes; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
                return Exposition(answer.read().decode())
        except OSError:
            return Exposition("")

    def wait_for_start(self) -> None:
        """Wait until it logs that it has started; raises SetupError with the end of its log otherwise."""
        deadline_s = time.monotonic() + START_WITHIN_S
        while b": started" not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise SetupError(f"the worker did not start: {self._log_tail()}")
            time.sleep(POLL_EVERY_S)

    def stop(self) -> None:
        """Ask it to end; kill it if it does not in time."""
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-LOG_TAIL:].strip() or "its log is empty"


@contextmanager
def running_worker(settings: Settings, port: int, log: Path, page: Address) -> Iterator[WorkerProcess]:
    """Yield a worker that has started, with its page, in a session of its own: Ctrl-C reaches the demo alone.

    Its time runs faster than a broker delivers, so it takes events in the order of their times.
    """
    given = {"idle_time": "events", "epoch": "2s", "metrics_port": str(port)}
    command = [
        *(sys.executable, "-m", "flows.cli", "live", "--from", "earliest", "--ordered"),
        *("--ui", f"{page.host}:{page.port}"),
        *("--bootstrap", settings.bootstrap, "--state", str(settings.state)),
        *("--offers", str(settings.offers)),
        *(word for name, value in given.items() for word in ("--set", f"{name}={value}")),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)  # noqa: S603  our own
    worker = WorkerProcess(process, port, log)
    try:
        worker.wait_for_start()
        yield worker
    finally:
        worker.stop()
