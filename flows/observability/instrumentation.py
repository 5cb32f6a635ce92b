"""What the worker's parts report to the metrics while they work."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from flows.cluster.loads import LoadLog
from flows.kafka.source import KafkaSource
from flows.observability.metrics import Metrics
from flows.observability.reject_watch import RejectWatch
from operators.ingest.counts import Counts
from operators.ingest.message_reader import SourceReader
from operators.streaming.messages import OutputRecord, ReaderOutput
from schemas.message import Message

LAG_EVERY_S: Final = 1.0


class Instrumentation:
    """Collects what readers, sinks and stations report and passes it to the metrics.

    A seal lasts from the first snapshot of a source to the last of the sinks; it counts when the worker
    reads on.
    """

    def __init__(
        self,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        rejects: RejectWatch | None = None,
        loads: LoadLog | None = None,
    ) -> None:
        self.loads = loads
        self.metrics = metrics
        self.rejects = rejects
        if rejects is not None:
            metrics.concerns.watch("rejects", rejects.reasons)
        self.source: KafkaSource | None = None
        self.before_seal: Callable[[], object] = lambda: None
        self.after_seal: Callable[[], object] = lambda: None
        self._clock = clock
        self._seal_began_s: float | None = None
        self._seal_ended_s: float | None = None
        self._lag_measured_s = clock()

    def unassigned(self) -> list[str]:
        """Return the partitions of which no broker has told yet where they end."""
        return [] if self.source is None else self.source.unassigned()

    def sealing(self) -> None:
        """Note that a snapshot is taken, once it may be."""
        self.before_seal()
        if self._seal_began_s is None:
            self._seal_began_s = self._clock()

    def sealed(self) -> None:
        """Note that the last sink has taken its snapshot."""
        self._seal_ended_s = self._clock()

    def reads_on(self) -> None:
        """Note that the worker reads on: an epoch that was being sealed is sealed."""
        if self._seal_began_s is not None and self._seal_ended_s is not None:
            self.metrics.sealed(self._seal_ended_s - self._seal_began_s)
            self._seal_began_s = self._seal_ended_s = None
            self.after_seal()
        self.metrics.concerns.log()
        now_s = self._clock()
        if self.source is not None and now_s >= self._lag_measured_s + LAG_EVERY_S:
            self._lag_measured_s = now_s
            for part, status in self.source.statuses().items():
                if status.lag is not None:
                    self.metrics.lags(part, status.lag)
                self.metrics.paused(part, waits=status.is_held_back)

    def measure(self, items: list[tuple[str, dict[str, float]]]) -> None:
        """Take the figures of stations: shards are named by numbers, markets by names."""
        for station, figures in items:
            self.metrics.measured(station, figures)


class InstrumentedReader:
    """A reader that reports what it reads."""

    def __init__(self, reader: SourceReader, instrumentation: Instrumentation) -> None:
        self._reader = reader
        self._instrumentation = instrumentation
        instrumentation.metrics.opened(reader.partition, reader.counts)

    @property
    def next_offset(self) -> int | None:
        """The offset to read next."""
        return self._reader.next_offset

    @property
    def event_time_s(self) -> float:
        """How far event time has come."""
        return self._reader.event_time_s

    @property
    def greatest_s(self) -> float:
        """The greatest event time."""
        return self._reader.greatest_s

    def read(self, messages: Sequence[Message], now_s: float | None) -> list[ReaderOutput]:
        """Read, and report the counts."""
        reader, rejects = self._reader, self._instrumentation.rejects
        taken, rejected = _taken(reader.counts), reader.counts.rejected
        began_s = time.thread_time()
        output = list(reader.read(messages, now_s))
        if self._instrumentation.loads is not None:
            self._instrumentation.loads.read(reader.partition, time.thread_time() - began_s)
        if rejects is not None:
            has_rejected = reader.counts.rejected > rejected
            records = [each for each in output if isinstance(each, OutputRecord)] if has_rejected else ()
            topic = reader.partition.rpartition("/")[0]
            rejects.observe(topic, _taken(reader.counts) - taken, messages, records)
        self._report()
        return output

    def idle(self, now_s: float) -> Iterable[ReaderOutput]:
        """Advance the watermark with the wall clock, and report it."""
        output = self._reader.idle(now_s)
        self._report()
        return output

    def resumed(self) -> Iterable[ReaderOutput]:
        """Return the last watermark again."""
        return self._reader.resumed()

    def snapshot(self) -> bytes:
        """Return the reader's state; sealing begins."""
        self._instrumentation.sealing()
        return self._reader.snapshot()

    def _report(self) -> None:
        reader, metrics = self._reader, self._instrumentation.metrics
        metrics.read(reader.partition, reader.counts)
        if reader.dropped:
            metrics.dropped(reader.partition, reader.dropped)
        metrics.progress.advanced(reader.partition, reader.watermark_s)
        self._instrumentation.reads_on()


def _taken(counts: Counts) -> int:
    return counts.processed + counts.duplicate
