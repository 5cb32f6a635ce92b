"""One partition whose records are addressed to markets: a catalog's or the controls', in offset order."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from operators.ingest.counts import Counts
from operators.ingest.partition_reader import CLOCK_STEP_S, FOREVER
from operators.ingest.rejected_output import rejected_output
from operators.ingest.settings import IngestSettings
from operators.ingest.validation import clamped, known_time, received_at
from operators.ingest.watermark_steps import in_steps
from operators.streaming.ids import check_format
from operators.streaming.messages import MarketBatch, MarketInput, OutputRecord, ReaderOutput
from operators.streaming.watermark import NEVER
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject

FORMAT = 1

ByMarket = dict[str, list[MarketInput]]


class MarketRecord(NamedTuple):
    """What one record says: its time, and what follows from it for markets at its place in time.

    ``time_s`` is None where the record does not tell its time: it has that of its broker's timestamp.
    ``inputs_at`` is called once, when the place is known; it may raise InvalidEvent. ``dropped`` names the
    fields that were not taken.
    """

    time_s: float | None
    inputs_at: Callable[[float], Sequence[MarketInput]]
    dropped: Sequence[str] = ()


class MarketRecords(Protocol):
    """What the records of one partition mean. What is remembered of them outlives the process."""

    def decode(self, message: Message, /) -> MarketRecord:
        """Return what a record says, and remember nothing yet; InvalidEvent for one that is refused."""

    def resumed(self, at_s: float) -> Sequence[MarketInput]:
        """Return what markets must be told again after a resume, at this time."""

    def state(self) -> bytes:
        """Return what is remembered."""

    def restore(self, state: bytes) -> None:
        """Take up what was remembered."""


class _State(msgspec.Struct, array_like=True, kw_only=True):
    format: int
    next_offset: int | None
    greatest_s: float
    watermark_s: float
    counts: Counts
    records: bytes


class MarketReader:
    """The reader of one such partition. Its state: a position, its time, the counts, what ``records`` keep.

    A record's place is its own time, no later than its broker's timestamp and no earlier than the record
    before it: the order of offsets is the order of time. So the partition's watermark is the place of its
    latest record. ``rejects`` counts by class and ``dropped`` by field since it was made.
    """

    def __init__(
        self, partition: str, settings: IngestSettings, records: MarketRecords, state: bytes | None = None
    ) -> None:
        self.partition = partition
        self.counts = Counts()
        self.next_offset: int | None = None
        self.greatest_s = NEVER
        self.watermark_s = NEVER
        self.rejects: dict[str, int] = {}
        self.dropped: dict[str, int] = {}
        self._settings = settings
        self._records = records
        self._markets = sorted(settings.markets)
        if state is not None:
            self._restore(msgspec.msgpack.decode(state, type=_State))

    def _restore(self, state: _State) -> None:
        check_format(f"partition {self.partition}", state.format, FORMAT)
        self.next_offset = state.next_offset
        self.greatest_s = state.greatest_s
        self.watermark_s = state.watermark_s
        self.counts = state.counts
        self._records.restore(state.records)

    @property
    def event_time_s(self) -> float:
        """How far time has come."""
        return self.watermark_s

    def read(self, messages: Sequence[Message], now_s: float | None) -> list[ReaderOutput]:
        """Return the rejected records and the market batches of the next messages of this partition."""
        latest_s = known_time(now_s) if self._settings.wall else None
        inputs: ByMarket = {}
        rejected: list[OutputRecord] = []
        before_s = self.watermark_s
        counts = self.counts
        for message in messages:
            self.next_offset = message.offset + 1
            counts.read += 1
            counts.events += 1
            try:
                self._take(message, latest_s, inputs)
            except InvalidEvent as invalid:
                counts.records_rejected += 1
                counts.rejected += 1
                self.rejects[invalid.class_] = self.rejects.get(invalid.class_, 0) + 1
                rejected.append(rejected_output(reject(message, invalid), message.timestamp_s))
            else:
                counts.taken += 1
                counts.processed += 1
        return [*rejected, *self._batches(inputs, moved=self.watermark_s > before_s)]

    def _take(self, message: Message, latest_s: float | None, inputs: ByMarket) -> None:
        """Take one record; raise InvalidEvent for one that is refused."""
        record = self._records.decode(message)
        received_s = received_at(message.timestamp_s, latest_s)
        claimed_s = received_s if record.time_s is None else record.time_s
        if claimed_s is None:
            raise InvalidEvent("clock", "the record must tell its time: it has no timestamp")
        at_s = clamped(claimed_s, received_s, self._settings)
        placed_s = max(at_s, self.watermark_s)
        made = record.inputs_at(placed_s)
        self.counts.clamped += claimed_s - at_s >= CLOCK_STEP_S
        self.counts.late += placed_s > at_s
        self.greatest_s = max(self.greatest_s, at_s)
        self.watermark_s = placed_s
        for each in made:
            inputs.setdefault(each.market, []).append(each)
        for name in record.dropped:
            self.dropped[name] = self.dropped.get(name, 0) + 1

    def _batches(self, inputs: ByMarket, *, moved: bool) -> list[MarketBatch]:
        watermarks = ((self.partition, self.watermark_s),) if moved else ()
        addressed = self._markets if moved else inputs
        return [MarketBatch(market, tuple(inputs.get(market, ())), watermarks) for market in addressed]

    def idle(self, now_s: float) -> list[MarketBatch]:
        """Return the watermark of a partition that is proved caught up at the wall clock time ``now_s``."""
        idle_s = in_steps(now_s - self._settings.lateness_s)
        if idle_s <= self.watermark_s:
            return []
        self.watermark_s = idle_s
        return self._batches({}, moved=True)

    def resumed(self) -> list[MarketBatch]:
        """Return what to emit first after a resume: what markets must know again, and the last watermark."""
        if self.watermark_s == NEVER:
            return []
        inputs: ByMarket = {}
        for each in self._records.resumed(self.watermark_s):
            inputs.setdefault(each.market, []).append(each)
        return self._batches(inputs, moved=True)

    def end(self) -> list[MarketBatch]:
        """Return the watermark of a partition that has ended for good: plus infinity."""
        self.watermark_s = FOREVER
        return self._batches({}, moved=True)

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        state = _State(
            format=FORMAT,
            next_offset=self.next_offset,
            greatest_s=self.greatest_s,
            watermark_s=self.watermark_s,
            counts=self.counts,
            records=self._records.state(),
        )
        return msgspec.msgpack.encode(state)
