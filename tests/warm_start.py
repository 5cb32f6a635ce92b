"""Python processes that begin with the packages loaded: each start saves a second of processor time.

A server process imports what the project depends on, and forks for each process that a test starts. What is
forked imports and runs the project's own modules as ``python -m`` would, in the environment and directory
that it is given, and dies with the server, which dies with the test run. What is about starting itself, the
wheel or the tutorial, starts Python the usual way.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from flows.kafka.broker_process import LEASH

ROOT = Path(__file__).parents[1]


class WarmProcess:
    """A process that runs; what subprocess.Popen tells of one that it started."""

    def __init__(self, pid: int, words: list[str], status: int) -> None:
        self.pid, self.args, self.returncode = pid, words, None
        self._status = status

    def poll(self) -> int | None:
        """The exit status, or what killed it as a negative number; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status once it has ended; subprocess.TimeoutExpired if that takes longer."""
        if self._ended(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def _ended(self, within_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], within_s)[0]:
            told = os.read(self._status, 4)
            os.close(self._status)
            self.returncode = os.waitstatus_to_exitcode(int.from_bytes(told, "little")) if told else -9
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


@cache
def _server() -> tuple[socket.socket, subprocess.Popen]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [*LEASH, sys.executable, "-m", "tests.warm_server", str(theirs.fileno())]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the tests alone
    )
    theirs.close()
    return ours, process


def start(module, words, *, stdout, stderr, env=None, cwd=ROOT) -> WarmProcess:
    """Start ``python -m module words`` with open files for what it writes."""
    words = [*map(str, words)]
    request = (module, words, dict(os.environ if env is None else env), str(cwd))
    server, _ = _server()
    reading, writing = os.pipe()
    try:
        given = [stdout.fileno(), stderr.fileno(), writing]
        socket.send_fds(server, [json.dumps(request).encode()], given)
    finally:
        os.close(writing)
    return WarmProcess(int(server.recv(20)), words, reading)


def run(module, words, **more) -> subprocess.CompletedProcess:
    """Run it to its end; return its exit status and, as text, what it has written."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        code = start(module, words, stdout=out, stderr=err, **more).wait()
        written = []
        for file in (out, err):
            file.seek(0)
            written.append(file.read().decode())
    return subprocess.CompletedProcess(words, code, *written)
