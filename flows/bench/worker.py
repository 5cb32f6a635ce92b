"""The real worker as a process of its own, over topics that are created for one measurement."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from flows.bench.memory import rss_bytes
from flows.kafka.broker_process import LEASH, free_port
from flows.kafka.cluster import Cluster, create_admin_client
from flows.kafka.topics import ensure_topics
from flows.observability.metric_names import Metric
from flows.observability.registry import Exposition

PARTITIONS: Final = 8
STREAMS: Final = ("events", "feedback", "offers", "decisions", "rejected")
STALL_S: Final = 120.0


class BenchTopics:
    """Fresh topics on a broker for as long as a ``with`` block: ``names`` by stream."""

    def __init__(self, bootstrap: str, *streams: str) -> None:
        run = uuid.uuid4().hex[:8]
        self.cluster = Cluster(bootstrap, f"bench-{run}")
        self.names = {stream: f"bench-{run}.{stream}" for stream in streams or STREAMS}

    def __enter__(self) -> Self:
        """Create them."""
        ensure_topics(self.cluster, dict.fromkeys(self.names.values(), PARTITIONS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete them."""
        for deletion in create_admin_client(self.cluster).delete_topics(list(self.names.values())).values():
            deletion.exception(60)


class Reading(NamedTuple):
    """What a worker says of itself at a time: events read, decisions taken, seconds of processor time."""

    at_s: float
    events: int
    decisions: int
    cpu_s: float


class BenchWorker:
    """``offerstream live`` over these topics, from their beginning on, for as long as a ``with`` block."""

    def __init__(self, topics: BenchTopics, state: Path, **settings: str) -> None:
        self._port = free_port()
        self._log = state.with_name(f"{state.name}.log")
        names = ",".join(f"{stream}={topics.names[stream]}" for stream in STREAMS[1:])
        given = {
            "events_topics": topics.names["events"],
            "group": topics.cluster.group,
            "begin": "earliest",
            "metrics_port": str(self._port),
            "emit_after": "2000-01-01T00:00:00Z",
            "topics": names,
            **settings,
        }
        sets = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
        command = [sys.executable, "-m", "flows.cli", "live", "--bootstrap", topics.cluster.bootstrap]
        self._command = [*LEASH, *command, "--state", str(state), *sets]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own
                self._command, stdout=log, stderr=log, start_new_session=True
            )
        self.wait_for(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def rss(self) -> int:
        """Its resident memory in bytes."""
        return rss_bytes(self._process.pid if self._process is not None else "self")

    def read(self) -> Reading | None:
        """Return how far it is; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
                said = Exposition(answer.read().decode())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None
        events, decisions = int(said.total(Metric.EVENTS)), int(said.total(Metric.DECISIONS))
        return Reading(time.monotonic(), events, decisions, said.cpu_s())

    def wait_for(self, events: int) -> list[Reading]:
        """Wait until it has read so many events; return how far it was on the way.

        Raises RuntimeError with the end of its log where it ends or stands still before.
        """
        progress: list[Reading] = []
        moved_s = time.monotonic()
        while True:
            read = self.read()
            if read is not None and (not progress or read.events > progress[-1].events):
                moved_s = read.at_s
                progress.append(read)
                if read.events >= events:
                    return progress
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > moved_s + STALL_S:
                log = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the worker {'ended' if ended else 'stands still'}: {log}")
            time.sleep(0.1)
