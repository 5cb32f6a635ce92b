"""A Kafka broker as a child process: the embedded one, and what any such process has in common."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.errors import SetupError

HOST = "127.0.0.1"
LEASH = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()  # it must not outlive us


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class BrokerProcess:
    """A broker in a process of its own, on one port with one data directory for its whole life.

    ``stop`` asks it to end, ``kill`` does not ask; ``start`` brings it back on the same port with the same
    data. What it prints goes to ``broker.log`` in its directory. Without a directory it makes one that
    goes with ``close``, which also is the end of a ``with`` block.
    """

    start_within_s = 20.0
    stop_within_s = 10.0

    def __init__(self, port: int = 0, directory: Path | None = None) -> None:
        if not 0 <= port <= 65_535:
            raise SetupError(f"the broker's port must be from 0 to 65535; got {port}")
        self.port = port or free_port()
        self._temporary = tempfile.TemporaryDirectory(prefix="broker-") if directory is None else None
        self.directory = Path(self._temporary.name) if self._temporary else Path(directory or ".")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / "broker.log").open("ab").close()
        except OSError as error:
            raise SetupError(
                f"the broker's data directory must be one that can be written; got {str(directory)!r}: "
                f"{error.strerror}"
            ) from None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect, as HOST:PORT."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the broker itself."""
        if self._process is None:
            raise RuntimeError("the broker is not running")
        return self._process.pid

    def command(self) -> list[str]:
        """The command line whose process is the broker."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start, and return once it answers a metadata request."""
        if not self.refuses():
            raise SetupError(f"port {self.port} on {HOST} is taken; give the broker a free one")
        with (self.directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command line is our own
                [*LEASH, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,  # the embedded one writes the token of its control port into a file
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise
        return self

    def refuses(self) -> bool:
        """Whether a connection to its port is refused."""
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == errno.ECONNREFUSED

    def stop(self) -> None:
        """Ask it to end and wait; one that does not end in time is killed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop it and remove the directory if it was a temporary one."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and all that was made for it."""
        self.close()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(self.stop_within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + self.start_within_s
        while self.refuses():
            self._still_starting(deadline)
            time.sleep(0.01)
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        while True:
            try:
                admin.list_topics(timeout=1)
            except KafkaException:
                self._still_starting(deadline)
            else:
                return

    def _still_starting(self, deadline: float) -> None:
        ended = self._process is None or self._process.poll() is not None
        if ended or time.monotonic() > deadline:
            said = (self.directory / "broker.log").read_text(errors="replace")[-1000:].strip()
            what = "ended at once" if ended else f"gave no answer within {self.start_within_s:.0f} s"
            raise SetupError(f"the broker on port {self.port} {what}; its last words: {said}")


class EmbeddedBroker(BrokerProcess):
    """The broker that comes as a Python package: one binary, no Java, its data one file in the directory.

    Raises SetupError where the package is not installed.
    """

    def __init__(self, port: int = 0, directory: Path | None = None) -> None:
        self._binary = embedded_binary()
        super().__init__(port, directory)

    def command(self) -> list[str]:
        """The packaged binary itself, not its Python launcher, so that the process id is the broker's."""
        options = ["--only", "kafka", "--kafka-port", str(self.port), "--host", HOST]
        return [str(self._binary), "start", *options, "--data-dir", str(self.directory)]


def embedded_binary() -> Path:
    """The binary of the embedded broker, executable; SetupError where its package is not installed."""
    try:
        package = files("noida_db")
    except ModuleNotFoundError:
        raise SetupError(
            "the embedded broker must be installed; it is not: pip install 'offerstream[demo]'"
        ) from None
    binary = Path(str(package.joinpath("noida-db")))
    if not os.access(binary, os.X_OK):
        binary.chmod(binary.stat().st_mode | 0o111)
    return binary
