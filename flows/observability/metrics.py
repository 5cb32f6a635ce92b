"""What the worker says about itself while it runs, told in the shop's words.

Counters count since this process started, so a restart that resumes old counts is never counted twice.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from flows.observability.metric_names import Names
from operators.ingest.partition_reader import Counts
from operators.streaming.messages import OutputRecord

OUTCOMES: Final = ("processed", "duplicate", "late", "rejected")

NO_ITEMS: Final = {"time"}


class _Decision(msgspec.Struct):
    market: str
    arm: str


class _Reward(msgspec.Struct):
    market: str
    arm: str
    kind: str
    profit: float


class _Drift(msgspec.Struct):
    market: str
    what: str


_decision = msgspec.json.Decoder(_Decision)
_reward = msgspec.json.Decoder(_Reward)
_drift = msgspec.json.Decoder(_Drift)


class Metrics:
    """The worker's figures, read by Prometheus and by /healthz.

    A partition is named ``topic/number``. State grows with partitions, markets, arms and shards only.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.names = Names(self._look_at_the_clock)
        self._clock = clock
        self._counted: dict[str, Counts] = {}
        self._ticks: dict[str, float] = {}
        self._figures: dict[str, Mapping[str, float]] = {}
        self._watermark_s = -math.inf
        self._moved_s = self._sealed_s = clock()
        self.names.started.values[()] = self._sealed_s

    def opened(self, part: str, counts: Counts) -> None:
        """A partition is read from here on; what it had counted before is not counted again."""
        self._counted[part] = msgspec.structs.replace(counts)
        self._ticks[part] = -math.inf
        topic, _ = _split(part)
        for outcome in OUTCOMES:
            self.names.events.add(topic, outcome, by=0)
        self.names.late_after_idle.add(topic, by=0)
        self.names.late_orders.add(topic, by=0)

    def closed(self, part: str) -> None:
        """A partition is no longer read here."""
        self._ticks.pop(part, None)
        self._counted.pop(part, None)
        self.names.lag.values.pop(_split(part), None)
        self.names.paused.values.pop(_split(part), None)
        self._advance()

    def read(self, part: str, counts: Counts) -> None:
        """A partition's counts, as totals; only what grew since the last call is added."""
        before = self._counted.get(part) or Counts()
        topic, _ = _split(part)
        for outcome in OUTCOMES:
            grown = getattr(counts, outcome) - getattr(before, outcome)
            if grown > 0:
                self.names.events.add(topic, outcome, by=grown)
        self.names.late_after_idle.add(topic, by=max(0, counts.late_after_idle - before.late_after_idle))
        self.names.late_orders.add(topic, by=max(0, counts.late_orders - before.late_orders))
        self._counted[part] = msgspec.structs.replace(counts)

    def ticked(self, part: str, tick_s: float) -> None:
        """A partition promised that nothing older than ``tick_s`` will come."""
        before_s = self._ticks.get(part, -math.inf)
        self._ticks[part] = tick_s
        if before_s <= self._watermark_s:
            self._advance()

    def lags(self, part: str, records: int) -> None:
        """How many messages of a partition are not read yet."""
        self.names.lag.values[_split(part)] = records

    def paused(self, part: str, *, waits: bool) -> None:
        """Whether a partition waits for a slower one."""
        self.names.paused.values[_split(part)] = waits

    def sealed(self, seconds: float) -> None:
        """An epoch was sealed; doing so took this long."""
        self._sealed_s = self._clock()
        self.names.seals.observe(seconds)

    def delivered(self, said: OutputRecord, at_s: float) -> None:
        """The broker acknowledged a record at ``at_s``: decisions, rewards, drifts are counted from it."""
        names = self.names
        names.published.add(said.stream, said.type)
        if said.type == "offer.decided" and said.since_s is not None:
            names.latency.observe(max(0.0, at_s - said.since_s))
        elif said.type == "decision":
            decision = _decision.decode(said.value)
            names.decisions.add(decision.market, decision.arm)
        elif said.type == "reward":
            reward = _reward.decode(said.value)
            names.rewards.add(reward.market, reward.arm, reward.kind)
            names.profit.add(reward.market, reward.arm, by=reward.profit)
        elif said.type == "drift":
            drift = _drift.decode(said.value)
            names.drifts.add(drift.market, drift.what)
        elif said.stream == "rejected":
            names.rejects.add(dict(said.headers).get("class", b"unknown").decode())

    def measured(self, station: str, figures: Mapping[str, float]) -> None:
        """What a station (a shard, a market, a store) last said about itself.

        Prometheus sees how good a market's model is, apart for carts that an offer preceded, what a market
        notices about itself, and how much is held, summed over the stations.
        """
        self._figures[station] = figures

    def watermark_delay_s(self) -> float:
        """Seconds from the least partition's tick to the wall clock; NaN before all have ticked."""
        return self._clock() - self._watermark_s if math.isfinite(self._watermark_s) else math.nan

    def watermark_stalled_s(self) -> float:
        """Seconds since the least partition's tick moved, or since the start."""
        return self._clock() - self._moved_s

    def epoch_age_s(self) -> float:
        """Seconds since an epoch was sealed, or since the start."""
        return self._clock() - self._sealed_s

    def slowest(self) -> str | None:
        """The partition everyone waits for; None while none is open."""
        return min(self._ticks.copy().items(), key=lambda item: (item[1], item[0]), default=(None, 0))[0]

    def _advance(self) -> None:
        watermark_s = min(self._ticks.values(), default=-math.inf)
        if watermark_s > self._watermark_s:
            self._moved_s = self._clock()
        self._watermark_s = watermark_s

    def _look_at_the_clock(self) -> None:
        names = self.names
        names.watermark_delay.values[()] = self.watermark_delay_s()
        names.watermark_stalled.values[()] = self.watermark_stalled_s()
        names.epoch_age.values[()] = self.epoch_age_s()
        held: dict[tuple[str, ...], float] = {}
        for station, figures in self._figures.copy().items():
            for name, value in figures.items():
                carts = "treated" if name.startswith("treated_") else "untreated"
                figure = "outcomes" if name == "updates" else name.removeprefix("treated_")
                if figure in names.quality:
                    names.quality[figure].values[station, carts] = value
                elif name in names.diagnosis:
                    names.diagnosis[name].values[station,] = value
                elif name not in NO_ITEMS:
                    held[name,] = held.get((name,), 0.0) + value
        names.state.values = held


def _split(part: str) -> tuple[str, str]:
    topic, _, partition = part.rpartition("/")
    return topic, partition
