"""What the worker measures of itself while it runs.

Counters count since this process started, so a restart that resumes old counts does not count them again.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from flows.observability.concerns import Concerns, Reasons
from flows.observability.disk_use import DiskUse
from flows.observability.market_watch import bad_markets, crowded_markets
from flows.observability.metric_names import (
    MarketFigure,
    Metric,
    PartitionFigure,
    StationFigure,
    figures_table,
)
from flows.observability.progress import Progress
from flows.observability.registry import Registry
from flows.observability.resources import disk_of, memory_limit
from operators.ingest.counts import Counts
from operators.streaming.messages import OutputRecord
from schemas.dead_letters import CLASS
from schemas.decisions import Decision, Drift, Reward
from schemas.partial_records import partial_decoder

_decision: Final = partial_decoder(Decision, "market", "arm", "stage", constrained=False)
_reward: Final = partial_decoder(Reward, "market", "arm", "kind", "profit", constrained=False)
_drift: Final = partial_decoder(Drift, "market", "what", constrained=False)


class Metrics:
    """The worker's figures, read by Prometheus and by /healthz.

    A partition is named ``topic/number``. ``machine`` says what is wrong with the machine.
    State grows with partitions, markets, arms and shards only.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
        *,
        disk: DiskUse | None = None,
        machine: Mapping[str, Reasons] = MappingProxyType({}),
    ) -> None:
        self.registry = Registry(self._read_clock_and_figures)
        self._samples = samples = self.registry.samples
        self._published, self._rejects = samples[Metric.PUBLISHED], samples[Metric.REJECTS]
        self._decisions, self._drifts = samples[Metric.DECISIONS], samples[Metric.DRIFTS]
        self._rewards, self._profit = samples[Metric.REWARDS], samples[Metric.PROFIT]
        self._lag, self._paused = samples[Metric.LAG], samples[Metric.PAUSED]
        self._seals = self.registry.histograms[Metric.SEALS]
        self._latency = self.registry.histograms[Metric.LATENCY]
        self._counters = [
            (each.name, samples[each.value.metric], each.value.labels) for each in PartitionFigure
        ]
        self._disk = disk
        self.progress = Progress(clock, elapsed)
        self.concerns = Concerns(elapsed)
        self.concerns.watch("orders", lambda: bad_markets(self._market_figures()))
        self.concerns.watch("words", lambda: crowded_markets(self._market_figures()))
        for about, reasons in machine.items():
            self.concerns.watch(about, reasons)
        self._counted: dict[str, Counts] = {}
        self._dropped: dict[str, dict[str, int]] = {}
        self._figures: dict[tuple[StationFigure, str], Mapping[str, float]] = {}
        samples[Metric.STARTED].values[()] = clock()
        samples[Metric.MEMORY_LIMIT].values[()] = memory_limit()
        self._state: Path | None = None

    def configured(self, state: Path, epoch: timedelta) -> None:
        """Take where the state is kept, whose disk is looked at from here on, and the time between epochs."""
        self._state = state
        self._samples[Metric.EPOCH].values[()] = epoch.total_seconds()

    def opened(self, part: str, counts: Counts) -> None:
        """Read a partition from here on; what it had counted before is not counted again."""
        self._counted[part] = msgspec.structs.replace(counts)
        self._dropped.pop(part, None)
        self.progress.opened(part)
        topic, _ = _split(part)
        for _, samples, labels in self._counters:
            samples.add(topic, *labels, by=0)

    def closed(self, part: str) -> None:
        """Forget a partition that is no longer read here."""
        self.progress.closed(part)
        self._counted.pop(part, None)
        self._lag.values.pop(_split(part), None)
        self._paused.values.pop(_split(part), None)

    def read(self, part: str, counts: Counts) -> None:
        """Take a partition's counts, as totals; only what grew since the last call is added."""
        before = self._counted.get(part) or Counts()
        topic, _ = _split(part)
        for figure, samples, labels in self._counters:
            grown = getattr(counts, figure) - getattr(before, figure)
            if grown > 0:
                samples.add(topic, *labels, by=grown)
        self._counted[part] = msgspec.structs.replace(counts)

    def dropped(self, part: str, fields: Mapping[str, int]) -> None:
        """Take how often a partition's fields were dropped since it was opened here, as totals."""
        before = self._dropped.setdefault(part, {})
        topic, _ = _split(part)
        for field, total in fields.items():
            if total > before.get(field, 0):
                self._samples[Metric.DROPPED].add(topic, field, by=total - before.get(field, 0))
                before[field] = total

    def lags(self, part: str, records: int) -> None:
        """Take how many messages of a partition are not read yet."""
        self._lag.values[_split(part)] = records

    def paused(self, part: str, *, waits: bool) -> None:
        """Take whether a partition waits for a slower one."""
        self._paused.values[_split(part)] = waits

    def unread(self, topic: str, partitions: int) -> None:
        """Take how many partitions of a topic were added since the start, and are not read."""
        self._samples[Metric.UNREAD_PARTITIONS].values[(topic,)] = partitions

    def sealed(self, seconds: float) -> None:
        """Take how long it took to seal an epoch, just now."""
        self.progress.sealed()
        self._seals.observe(seconds)

    def delivered(self, record: OutputRecord, at_s: float) -> None:
        """Take a record that the broker acknowledged at ``at_s``: decisions, rewards, drifts are counted."""
        self._published.add(record.stream, record.type)
        if record.type == "offer.decided" and record.since_s is not None:
            self._latency.observe(max(0.0, at_s - record.since_s))
        elif record.type == "decision":
            decision = _decision(record.value)
            self._decisions.add(decision.market, decision.arm, decision.stage)
        elif record.type == "reward":
            reward = _reward(record.value)
            self._rewards.add(reward.market, reward.arm, reward.kind)
            self._profit.add(reward.market, reward.arm, by=reward.profit)
        elif record.type == "drift":
            drift = _drift(record.value)
            self._drifts.add(drift.market, drift.what)
        elif record.stream == "rejected":
            self._rejects.add((dict(record.headers).get(CLASS) or b"unknown").decode())

    def measured(self, station: str, figures: Mapping[str, float]) -> None:
        """Take the latest figures of a station, a shard or a market.

        Raises ValueError for a figure that is not in the station's table.
        """
        self._figures[figures_table(figures), station] = figures

    def _market_figures(self) -> dict[str, Mapping[str, float]]:
        figures = self._figures.copy().items()
        return {station: found for (table, station), found in figures if table is MarketFigure}

    def _read_clock_and_figures(self) -> None:
        samples, progress = self._samples, self.progress
        samples[Metric.DEGRADED].values = {
            (about,): float(count) for about, count in self.concerns.counts().items()
        }
        if self._disk is not None:
            parts = self._disk.look()
            samples[Metric.STATE_DISK_USED].values = {(part,): float(used) for part, used in parts.items()}
        samples[Metric.WATERMARK_DELAY].values[()] = progress.watermark_delay_s()
        samples[Metric.WATERMARK_STALLED].values[()] = progress.watermark_stalled_s()
        samples[Metric.EPOCH_AGE].values[()] = progress.epoch_age_s()
        if self._state is not None:
            with suppress(OSError):  # of a disk that is gone the worker itself tells
                size, free = disk_of(self._state)
                samples[Metric.STATE_DISK_SIZE].values[()] = size
                samples[Metric.STATE_DISK_FREE].values[()] = free
        sums: dict[Metric, dict[tuple[str, ...], float]] = {}
        for (table, station), figures in self._figures.copy().items():
            for name, value in figures.items():
                target = table[name].value
                labels, into = target.labels_of(station), sums.setdefault(target.metric, {})
                into[labels] = into.get(labels, 0.0) + value
        for metric, values in sums.items():
            samples[metric].values = values


def _split(part: str) -> tuple[str, str]:
    topic, _, partition = part.rpartition("/")
    return topic, partition
