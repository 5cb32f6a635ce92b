"""The whole bench: what is measured in which order, and which figures come of it."""

import statistics
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec

from flows.bench.child import measured
from flows.bench.figures import Figure, figure
from flows.bench.kafka import backlog, started
from flows.bench.latency import Stream, bare, offers
from flows.bench.load import write_load


class Scale(msgspec.Struct, frozen=True):
    """How much is measured."""

    events: int = 300_000
    visitors: int = 20_000
    pairs: int = 2
    backlog: int = 250_000
    epoch_s: float = 2.0
    rate: float = 5000.0
    latency_s: float = 50.0
    latency_epoch_s: float = 10.0
    bare_s: float = 10.0
    seals: int = 7
    blocks: int = 9


QUICK: Final = Scale(
    events=4000,
    visitors=400,
    pairs=1,
    backlog=4000,
    epoch_s=1.0,
    rate=200.0,
    latency_s=2.0,
    latency_epoch_s=1.0,
    bare_s=1.0,
    seals=1,
    blocks=1,
)


class Bench:
    """Measures when asked; what several figures need is measured once. ``room`` is an empty directory."""

    def __init__(self, scale: Scale, bootstrap: Callable[[], str], room: Path) -> None:
        self._scale = scale
        self._bootstrap = bootstrap
        self._room = room

    def page(self) -> Iterator[Figure]:
        """The page, and the plain loop."""
        pages, plains = self._pages
        pages_us, plains_us = (_median(runs, "cpu_us") for runs in self._pages)
        note = f"{pages_us:.1f} us of processor an event, the loop {plains_us:.1f}"
        yield figure(
            "page_events_per_s", _median(pages, "events_per_s"), _median(plains, "events_per_s"), note
        )

    def kafka(self) -> Iterator[Figure]:
        """The worker on a backlog."""
        scale = self._scale
        told = backlog(self._bootstrap(), self._room / "kafka", scale.backlog, scale.visitors, scale.epoch_s)
        yield figure("kafka_events_per_s", told["events_per_s"], _median(self._pages[0], "events_per_s"))

    def latency(self) -> Iterator[Figure]:
        """The offers of a steady stream."""
        scale, bootstrap = self._scale, self._bootstrap()
        loop = bare(bootstrap, Stream(scale.rate, scale.visitors, scale.bare_s))
        stream = Stream(scale.rate, scale.visitors, scale.latency_s)
        told = offers(bootstrap, self._room / "latency", stream, scale.latency_epoch_s)
        half, worst = told["p50"], told["max"]
        note = f"{told['count']} offers, p50 {half:.1f} ms, worst {worst:.0f}; the loop p50 {loop['p50']:.1f}"
        yield figure("offer_latency_p99_ms", told["p99"], loop["p99"], note)

    def seals(self) -> Iterator[Figure]:
        """The snapshots of an epoch, and what a visitor takes."""
        told = {}
        for name, copies in (("20k", 1), ("100k", 5)):
            directory = self._room / f"states-{name}"
            directory.mkdir()
            given = {"directory": str(directory), "visitors": self._scale.visitors, "copies": copies}
            measured("build", events=11 * self._scale.visitors, **given)
            told[name] = measured("seal", directory=str(directory), repeats=self._scale.seals)
            note = f"{told[name]['visitors']} live visitors, 50,000 events between two seals, processor time"
            yield figure(f"seal_ms_{name}", told[name]["seal_ms"], told[name]["pickle_ms"], note)
        yield figure("bytes_per_visitor", told["20k"]["bytes"], told["20k"]["pickled_bytes"])
        held = measured("plain_state", directory=str(directory))
        yield figure("rss_per_visitor", told["100k"]["rss"], held["rss"], "peak over seals, at 100k")

    def decision(self) -> Iterator[Figure]:
        """One decision."""
        told = measured("decide", lessons=2000, blocks=self._scale.blocks, block=200)
        vowpal = "vowpalwabbit is not installed"
        if "vowpal_us" in told:
            vowpal = f"vowpalwabbit's cb_explore_adf {told['vowpal_us']:.0f} us, text included"
        note = f"8 arms, 24 features, processor time; {vowpal}"
        yield figure("decision_us", told["decision_us"], told["river_us"], note)

    def start(self) -> Iterator[Figure]:
        """The memory of a worker that has just started."""
        told = started(self._bootstrap(), self._room / "start")
        yield figure("start_rss_mb", told["rss"] / 1e6, measured("imports")["rss"] / 1e6)

    @cached_property
    def _pages(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Runs of the page and of the plain loop, in turns."""
        scale = self._scale
        path = self._room / "load.jsonl"
        write_load(path, scale.events, scale.visitors)
        pages, plains = [], []
        for pair in range(scale.pairs):
            given = {"path": str(path), "events": scale.events}
            plains.append(measured("plain", **given))
            state = str(self._room / f"page-{pair}")
            pages.append(measured("page", **given, state=state, epoch_s=scale.epoch_s))
        return pages, plains


MEASURES: Final[dict[Callable[[Bench], Iterator[Figure]], tuple[str, ...]]] = {
    Bench.decision: ("decision_us",),
    Bench.seals: ("seal_ms_20k", "seal_ms_100k", "bytes_per_visitor", "rss_per_visitor"),
    Bench.start: ("start_rss_mb",),
    Bench.page: ("page_events_per_s",),
    Bench.kafka: ("kafka_events_per_s",),
    Bench.latency: ("offer_latency_p99_ms",),
}


def figures(bench: Bench, wanted: Iterable[str]) -> Iterator[Figure]:
    """Measure what is wanted, one thing after the other, and give each figure as soon as it is known."""
    names = set(wanted)
    for measure, told in MEASURES.items():
        if names & set(told):
            yield from (each for each in measure(bench) if each.name in names)


def _median(runs: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median(run[name] for run in runs))
