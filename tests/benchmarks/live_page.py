"""What the live page costs the worker: processor time for an event, with ten pages open and without a page.

    python -m tests.benchmarks.live_page --rounds 5 --pages 10

In turns, a worker without a page and one with the page beside it and so many browsers at it read the same
events from an embedded broker. Counted is the processor time of the worker's own process, by its metrics,
from the first event to the last, and of the page's process apart. The ratio of each pair is printed, and
the median. Beside other work these ratios scatter by a tenth, so what the page costs is counted as well: all
that it asks of the worker, however many look at it, is its metrics and its health every few seconds, and
what one such answer takes is measured over many of them.
"""

import argparse
import contextlib
import re
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from flows.kafka.broker_process import EmbeddedBroker
from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from flows.live_page.worker_figures import ASK_EVERY_S
from flows.observability.metric_names import Metric
from flows.observability.registry import Exposition
from flows.simulation.run import simulate
from flows.simulation.settings import SimulationSettings
from operators.simulation import DEMO_CARTS
from schemas.shop import load_shop
from tests.broker.test_live_page import children
from tests.worker import Worker, send

OFFERS: Final = Path(__file__).parents[2] / "flows" / "demo" / "offers.toml"
PARTITIONS: Final = 4
STREAMS: Final = ("offers", "decisions", "rejected")
ASKS: Final = 300
QUIET_S: Final = 5.0
TICKS: Final = 100.0
"""Of the processor time in /proc, in a second."""


class Cost(NamedTuple):
    """Seconds of processor time: of the worker, of the page, and of the worker for one answer to it."""

    worker_s: float
    page_s: float
    answer_s: float


def events_in(directory: Path, seconds: float) -> list[bytes]:
    """Return the events of a busy shop in so many seconds."""
    path = directory / "events.jsonl"
    simulate(
        SimulationSettings(
            load_shop(OFFERS),
            path,
            visits_per_hour=20_000,
            cart_share=DEMO_CARTS,
            seconds=seconds,
            seasons=False,
        )
    )
    return path.read_bytes().splitlines()


def measured(broker: EmbeddedBroker, directory: Path, events: list[bytes], pages: int | None) -> Cost:
    """Return what a new worker needs for the events; without a page where ``pages`` is None."""
    tail = uuid.uuid4().hex[:8]
    topics = {name: f"{name}-{tail}" for name in ("events", "feedback", *STREAMS)}
    ensure_topics(Cluster(broker.bootstrap), dict.fromkeys(topics.values(), PARTITIONS))
    more = {} if pages is None else {"ui": "127.0.0.1:0"}
    worker = Worker(
        broker.bootstrap, directory / tail, topics, offers=OFFERS, args=("--from", "earliest"),
        partitions=PARTITIONS, max_late="30d", **more,
    )  # fmt: skip
    with worker, looking(worker.start().started(), pages or 0):
        began = figures(worker)
        page_began_s = page_s(worker, pages)
        keyed = [(re.search(rb'"visitor_id":"([^"]+)"', each)[1], each) for each in events]  # type: ignore[index]
        send(broker.bootstrap, [(topics["events"], sum(key) % PARTITIONS, key, each) for key, each in keyed])
        worker.until(lambda: figures(worker).total(Metric.EVENTS, outcome="processed") >= len(events), 600)
        ended = figures(worker)
        page_took_s = page_s(worker, pages) - page_began_s
        return Cost(ended.cpu_s() - began.cpu_s(), page_took_s, answer_s(worker) if pages is None else 0.0)


def answer_s(worker: Worker) -> float:
    """Return what the worker takes to say once what the page asks, beside what it takes to wait."""
    spans = []
    time.sleep(QUIET_S)  # what the last events have left to do
    for asks in (0, ASKS):
        before_s, began_s = figures(worker).cpu_s(), time.monotonic()
        time.sleep(QUIET_S)
        for _ in range(asks):
            worker.metrics()
            worker.health()
        spans.append((figures(worker).cpu_s() - before_s, time.monotonic() - began_s))
    (idle_cpu_s, idle_s), (cpu_s, busy_s) = spans
    return (cpu_s - idle_cpu_s / idle_s * busy_s) / ASKS


def figures(worker: Worker) -> Exposition:
    """Return what a worker exposes; asked twice a second, which both kinds of runs pay."""
    time.sleep(0.5)
    return Exposition(worker.metrics())


def page_s(worker: Worker, pages: int | None) -> float:
    """Return the processor time of the page's process."""
    if pages is None:
        return 0.0
    stats = [
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        for pid in children(worker.process.pid)
    ]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / TICKS


@contextlib.contextmanager
def looking(worker: Worker, pages: int) -> Iterator[None]:
    """Keep so many pages open."""
    is_over = threading.Event()
    heard = threading.Semaphore(0)

    def look(url: str) -> None:
        with urllib.request.urlopen(f"{url}events", timeout=60) as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    heard.release()
                if is_over.is_set():
                    return

    if pages:
        url = re.search(r"live page on (\S+)", worker.said())[1]  # type: ignore[index]
        threads = [threading.Thread(target=look, args=(url,), daemon=True) for _ in range(pages)]
        for thread in threads:
            thread.start()
        for _ in threads:
            heard.acquire(timeout=60)
    yield
    is_over.set()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument(
        "--seconds", type=float, default=3600.0, help="of shopping, at some 100,000 events an hour"
    )
    args = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory(prefix="live-page-") as name, EmbeddedBroker() as broker:
        directory = Path(name)
        events = events_in(directory, args.seconds)
        sys.stdout.write(f"{len(events):,} events, {args.pages} pages open\n")
        for number in range(args.rounds):
            order = (None, args.pages) if number % 2 == 0 else (args.pages, None)
            found = {pages: measured(broker, directory, events, pages) for pages in order}
            off, on = found[None], found[args.pages]
            ratios.append(on.worker_s / off.worker_s)
            sys.stdout.write(
                f"worker {off.worker_s:.2f} s without, {on.worker_s:.2f} s with: {ratios[-1]:.4f}; "
                f"page {on.page_s:.2f} s; one answer {off.answer_s * 1000:.1f} ms, every {ASK_EVERY_S:g} s: "
                f"{off.answer_s / ASK_EVERY_S:.2%} of a core\n"
            )
            sys.stdout.flush()
    sys.stdout.write(
        f"median {statistics.median(ratios):.4f} of {sorted(round(each, 4) for each in ratios)}\n"
    )


if __name__ == "__main__":
    main()
