"""A worker under a steady load, restarted now and then, and the course of what it costs."""

import math
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flows.bench.load import spin_ms
from flows.bench.memory import rss_bytes
from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from flows.observability.metric_names import Metric
from flows.observability.registry import Exposition
from tests.soak.shop import BusyShop
from tests.worker import TOPICS, Worker

OFFERS = Path(__file__).with_name("offers.toml")
SETTINGS = {
    "idle_time": "events",
    "triggers": "cart_changed",
    "lateness": "30m",
    "max_lead": "12h",
    "watermark_visitors": "8",
    "epoch": "2s",
}
SPIN = "a million additions"
STEP_S = 0.005
FULL_S = 360.0
"""For so long a process grows until the pools of Python and C have what they need for this load."""


class HurriedWorker(Worker):
    """The worker with stores that let go soon."""

    module = "tests.soak.hurried"


class Plan(NamedTuple):
    """How long, how busy, how fast, and when what happens.

    ``quiet`` are the shares of the run between which nothing is restarted, to see what one process costs.
    A process is sampled once it has run for ``settled_s`` after it had caught up.
    """

    length_s: float
    rate: float
    speed: float
    seed: int = 0
    quiet: tuple[float, float] = (0.4, 0.85)
    restart_every_s: float = 20.0
    sample_every_s: float = 5.0
    settled_s: float = 12.0


class Sample(NamedTuple):
    """One figure at one time."""

    at_s: float
    value: float


class Soak:
    """The run of a plan.

    Attributes
    ----------
    figures
        The samples of each figure.
    noted
        What was logged or reported beside information, and how often.
    wrong
        What must not be: an end, an exit code, an error in the log, a reason to be unwell.
    """

    def __init__(self, worker: Worker, shop: BusyShop, plan: Plan) -> None:
        self.worker, self.shop, self.plan = worker, shop, plan
        self.figures: dict[str, list[Sample]] = {}
        self.noted: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.restarts = self.kills = 0
        self._began = self._caught_up = time.monotonic()
        self._seals = (0.0, 0.0)

    @property
    def at_s(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    def _is_warm(self, uptime_s: float) -> bool:
        """Whether a process has filled its buffers and pools: after ``FULL_S``, in long runs later."""
        begin, end = self.plan.quiet
        return uptime_s > max((end - begin) * self.plan.length_s / 3, FULL_S)

    def is_over(self) -> bool:
        """Whether it has been running for as long as it is planned to."""
        return self.at_s >= self.plan.length_s

    def run(self, until: Callable[[], bool] | None = None) -> None:
        """Let the shop be busy until the end, or until something holds; restart and sample in between."""
        plan, next_sample = self.plan, 0.0
        self._start()
        while not (until or self.is_over)():
            self.shop.step()
            time.sleep(STEP_S)
            if not self.worker.runs():
                self.wrong[f"it ended by itself: {self.worker.words()[-300:]}"] += 1
                self._start()
            uptime_s = time.monotonic() - self._caught_up
            is_quiet = plan.quiet[0] < self.at_s / plan.length_s < plan.quiet[1]
            if uptime_s > plan.restart_every_s and not is_quiet:
                self._restart()
            elif uptime_s > plan.settled_s and self.at_s > next_sample:
                next_sample = self.at_s + plan.sample_every_s
                self._sample(of_one=is_quiet and self._is_warm(uptime_s))
        self._stop()

    def _start(self) -> None:
        """Start it and let the shop go on until it decides and has caught up."""
        worker, started, self._seals = self.worker, time.monotonic(), (0.0, 0.0)
        worker.start()
        self._until(lambda: ": started" in worker.said())
        decisions = self.shop.decisions
        self._until(lambda: self.shop.decisions > decisions and self._lag() < self.plan.rate)
        self._caught_up = time.monotonic()
        if self.restarts:
            self._add("restart", self._caught_up - started)
        self.shop.forget_sent()

    def _until(self, reached) -> None:
        self.worker.until(lambda: self.shop.step() or reached(), 120)

    def _restart(self) -> None:
        """Ask it to end, or kill it, in turns."""
        self.restarts += 1
        if self.restarts % 2:
            self._stop()
        else:
            self.kills += 1
            self._note_log()
            self.worker.kill()
        self._start()

    def _stop(self) -> None:
        if (code := self.worker.stop()) != 0:
            self.wrong[f"exit code {code} after SIGTERM"] += 1
        self._note_log()

    def _note_log(self) -> None:
        for line in self.worker.said().splitlines():
            if " INFO " not in line:
                is_warning = " WARNING " in line
                (self.noted if is_warning else self.wrong)[_alike(line.partition("WARNING ")[2] or line)] += 1

    def _lag(self) -> float:
        """How much it has not read yet, in all partitions."""
        by_topic = Exposition(self.worker.metrics()).by(Metric.LAG, "topic")
        return sum(by_topic.values()) if by_topic else math.inf

    def _add(self, name: str, value: float) -> None:
        self.figures.setdefault(name, []).append(Sample(self.at_s, value))

    def _sample(self, *, of_one: bool) -> None:
        memory = rss_bytes(self.worker.process.pid) / 1e6
        self._add("memory", memory)
        if of_one:
            self._add("memory of one process", memory)
        sizes = disk(self.worker.state)
        self._add("disk", sum(sizes.values()) / 1e6)
        for name, size in sizes.items():
            self._add(f"disk {name}", size / 1e6)
        self._read(self.worker.metrics())
        if len(self.shop.late_s) >= 20:
            for share in (50, 95):
                self._add(f"latency p{share}", float(np.percentile(self.shop.late_s, share)) * 1000)
            self.shop.late_s.clear()
        for reason in self.worker.health()["reasons"]:
            self.wrong[_alike(f"unwell: {reason}")] += 1
        self._add(SPIN, spin_ms())
        self.shop.trim()

    def _read(self, text: str) -> None:
        """What the worker says of itself."""
        for kind, items in Exposition(text).by(Metric.STATE_ITEMS, "kind").items():
            self._add(f"state {kind}", items)
        name = Metric.SEALS.value.name
        total_s, seals = (
            float(re.search(rf"^{name}_{what} (\S+)$", text, re.MULTILINE)[1]) for what in ("sum", "count")
        )
        before_s, before = self._seals
        if seals > before:
            self._add("seal", (total_s - before_s) / (seals - before) * 1000)
        self._seals = (total_s, seals)


def disk(state: Path) -> dict[str, int]:
    """The bytes that each part of a state directory takes on disk."""
    found: Counter[str] = Counter()
    for path in state.rglob("*"):
        try:
            if path.is_file():
                found[path.relative_to(state).parts[0]] += path.stat().st_blocks * 512
        except FileNotFoundError:  # the worker is at work
            continue
    return found


def _alike(words: str) -> str:
    """The words without what differs from time to time."""
    return re.sub(r"\d+", "N", words)[:200]


@contextmanager
def opened(bootstrap: str, directory: Path, plan: Plan) -> Iterator[Soak]:
    """The soak of a plan over topics of its own; state and log are kept in the directory."""
    tail = uuid.uuid4().hex[:8]
    topics = {name: f"{name}-{tail}" for name in (*TOPICS, "controls")}
    wanted = {topic: 1 if name == "controls" else 2 for name, topic in topics.items()}
    ensure_topics(Cluster(bootstrap), wanted, compacted=[topics["catalog"], topics["controls"]])
    args = ["--from", "earliest", "--emit-after", "2001-01-01T00:00:00Z"]
    shop = BusyShop(bootstrap, topics, OFFERS, rate=plan.rate, speed=plan.speed, seed=plan.seed)
    with HurriedWorker(
        bootstrap, directory / "state", topics, offers=OFFERS, args=args, **SETTINGS
    ) as worker:
        try:
            yield Soak(worker, shop, plan)
        finally:
            shop.close()
