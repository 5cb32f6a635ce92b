"""The whole bench: what is measured in which order, and which figures it gives."""

import statistics
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec

from flows.bench.child import measure_in_child
from flows.bench.figures import Figure, figure
from flows.bench.kafka import backlog, started
from flows.bench.latency import SteadyLoad, bare_loop, offer_latency
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
    """Measures on demand; what several figures need is measured once. ``directory`` is an empty one."""

    def __init__(self, scale: Scale, bootstrap: Callable[[], str], directory: Path) -> None:
        self._scale = scale
        self._bootstrap = bootstrap
        self._directory = directory

    def dataflow(self) -> Iterator[Figure]:
        """The dataflow, and the plain loop."""
        dataflow, loop = (_median(runs, "events_per_s") for runs in self._runs)
        dataflow_us, loop_us = (_median(runs, "cpu_us") for runs in self._runs)
        note = f"{dataflow_us:.1f} us of processor time per event, the loop {loop_us:.1f}"
        yield figure("page_events_per_s", dataflow, loop, note)

    def kafka(self) -> Iterator[Figure]:
        """The worker on a backlog."""
        scale = self._scale
        state = self._directory / "kafka"
        result = backlog(self._bootstrap(), state, scale.backlog, scale.visitors, scale.epoch_s)
        yield figure("kafka_events_per_s", result["events_per_s"], _median(self._runs[0], "events_per_s"))

    def latency(self) -> Iterator[Figure]:
        """The offers under a steady load."""
        scale, bootstrap = self._scale, self._bootstrap()
        loop = bare_loop(bootstrap, SteadyLoad(scale.rate, scale.visitors, scale.bare_s))
        load = SteadyLoad(scale.rate, scale.visitors, scale.latency_s)
        offers = offer_latency(bootstrap, self._directory / "latency", load, scale.latency_epoch_s)
        note = (
            f"{offers['count']} offers, p50 {offers['p50']:.1f} ms, worst {offers['max']:.0f}; "
            f"the loop p50 {loop['p50']:.1f}"
        )
        yield figure("offer_latency_p99_ms", offers["p99"], loop["p99"], note)

    def seals(self) -> Iterator[Figure]:
        """The snapshots of an epoch, and the bytes of a visitor."""
        sealed = {}
        for name, copies in (("20k", 1), ("100k", 5)):
            directory = self._directory / f"states-{name}"
            directory.mkdir()
            given = {"directory": str(directory), "visitors": self._scale.visitors, "copies": copies}
            measure_in_child("build", events=11 * self._scale.visitors, **given)
            sealed[name] = measure_in_child("seal", directory=str(directory), repeats=self._scale.seals)
            note = (
                f"{sealed[name]['visitors']} live visitors, 50,000 events between two seals, processor time"
            )
            yield figure(f"seal_ms_{name}", sealed[name]["seal_ms"], sealed[name]["pickle_ms"], note)
        yield figure("bytes_per_visitor", sealed["20k"]["bytes"], sealed["20k"]["pickled_bytes"])
        plain = measure_in_child("plain_state", directory=str(directory))
        yield figure("rss_per_visitor", sealed["100k"]["rss"], plain["rss"], "peak over seals, at 100k")

    def decision(self) -> Iterator[Figure]:
        """One decision."""
        result = measure_in_child("decide", updates=2000, blocks=self._scale.blocks, block=200)
        vowpal = "vowpalwabbit is not installed"
        if "vowpal_us" in result:
            vowpal = f"vowpalwabbit's cb_explore_adf {result['vowpal_us']:.0f} us, text included"
        note = f"8 arms, 24 features, processor time; {vowpal}"
        yield figure("decision_us", result["decision_us"], result["river_us"], note)

    def start(self) -> Iterator[Figure]:
        """The memory of a worker that has just started."""
        worker = started(self._bootstrap(), self._directory / "start")
        yield figure("start_rss_mb", worker["rss"] / 1e6, measure_in_child("imports")["rss"] / 1e6)

    @cached_property
    def _runs(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Runs of the dataflow and of the plain loop, in turns."""
        scale = self._scale
        path = self._directory / "load.jsonl"
        write_load(path, scale.events, scale.visitors)
        dataflows, loops = [], []
        for pair in range(scale.pairs):
            given = {"path": str(path), "events": scale.events}
            loops.append(measure_in_child("plain_loop", **given))
            state = str(self._directory / f"dataflow-{pair}")
            dataflows.append(measure_in_child("dataflow", **given, state=state, epoch_s=scale.epoch_s))
        return dataflows, loops


MEASURES: Final[dict[Callable[[Bench], Iterator[Figure]], tuple[str, ...]]] = {
    Bench.decision: ("decision_us",),
    Bench.seals: ("seal_ms_20k", "seal_ms_100k", "bytes_per_visitor", "rss_per_visitor"),
    Bench.start: ("start_rss_mb",),
    Bench.dataflow: ("page_events_per_s",),
    Bench.kafka: ("kafka_events_per_s",),
    Bench.latency: ("offer_latency_p99_ms",),
}


def figures(bench: Bench, wanted: Iterable[str]) -> Iterator[Figure]:
    """Measure what is wanted, one after the other, and yield each figure as soon as it is known."""
    names = set(wanted)
    for measure, given in MEASURES.items():
        if names & set(given):
            yield from (each for each in measure(bench) if each.name in names)


def _median(runs: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median(run[name] for run in runs))
