"""What the worker's parts tell the metrics while they work."""

import time
from collections.abc import Callable, Sequence

from flows.kafka.source import KafkaSource
from flows.observability.metrics import Metrics
from operators.ingest.partition_reader import PartitionReader
from operators.streaming.messages import OutputRecord, ShardBatch
from schemas.message import Message

METERED_EVERY_S = 1.0


class Instrumentation:
    """Gathers what readers, sinks and stations tell and hands it to the metrics.

    A seal lasts from the first snapshot of a source to the last of the sinks; it is told when the worker
    reads on.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self.metrics = metrics
        self.source: KafkaSource | None = None
        self._clock = clock
        self._began_s: float | None = None
        self._settled_s: float | None = None
        self._metered_s = clock()

    def sealing(self) -> None:
        """A snapshot is taken."""
        if self._began_s is None:
            self._began_s = self._clock()

    def settled(self) -> None:
        """The last sink has been written down."""
        self._settled_s = self._clock()

    def moved(self) -> None:
        """The worker reads on: an epoch that was being sealed is sealed."""
        if self._began_s is not None and self._settled_s is not None:
            self.metrics.sealed(self._settled_s - self._began_s)
            self._began_s = self._settled_s = None
        now_s = self._clock()
        if self.source is not None and now_s >= self._metered_s + METERED_EVERY_S:
            self._metered_s = now_s
            for part, status in self.source.statuses().items():
                if status.lag is not None:
                    self.metrics.lags(part, status.lag)
                self.metrics.paused(part, waits=status.is_held_back)

    def measure(self, items: list[tuple[str, dict[str, float]]]) -> None:
        """Take the figures of stations: shards are named by numbers, markets by names."""
        for station, figures in items:
            self.metrics.measured(station, figures)


class InstrumentedReader:
    """A reader that tells what it has read."""

    def __init__(self, reader: PartitionReader, watch: Instrumentation) -> None:
        self._reader = reader
        self._watch = watch
        watch.metrics.opened(reader.partition, reader.counts)

    @property
    def next_offset(self) -> int | None:
        """The offset to read next."""
        return self._reader.next_offset

    @property
    def greatest_s(self) -> float:
        """The greatest event time."""
        return self._reader.greatest_s

    def read(self, messages: Sequence[Message], now_s: float | None) -> list[ShardBatch | OutputRecord]:
        """Read, and tell the counts."""
        said = self._reader.read(messages, now_s)
        self._tell()
        return said

    def idle(self, now_s: float) -> list[ShardBatch]:
        """Tick with the wall clock, and tell it."""
        said = self._reader.idle(now_s)
        self._tell()
        return said

    def resumed(self) -> list[ShardBatch]:
        """Say the last tick again."""
        return self._reader.resumed()

    def snapshot(self) -> bytes:
        """Return the reader's state; sealing begins."""
        self._watch.sealing()
        return self._reader.snapshot()

    def _tell(self) -> None:
        reader, metrics = self._reader, self._watch.metrics
        metrics.read(reader.partition, reader.counts)
        metrics.ticked(reader.partition, reader.watermark_s)
        self._watch.moved()
