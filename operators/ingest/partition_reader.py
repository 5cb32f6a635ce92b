"""One source partition's messages, validated in offset order: accepted, invalid, late or duplicate."""

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from operators.ingest.from_events import market_of, shop_event
from operators.ingest.settings import IngestSettings
from operators.ingest.validation import check_clock, check_margin, check_market
from operators.streaming.ids import SHARDS, check_format, shard_of
from operators.streaming.messages import AnyShopEvent, OutputRecord, ShardBatch
from operators.streaming.watermark import NEVER
from schemas.events import Event, OrderCompleted
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject

FORMAT: Final = 1
FOREVER: Final = math.inf
STEP_S: Final = 1.0
"""Watermarks move in whole steps of this many seconds, so that a slow stream does not wake every shard."""

Decode = Callable[[Message], Event]


class SeenIds(Protocol):
    """The memory of event ids of one source partition. It is not rolled back after a crash."""

    def known(self, id_: str, offset: int, at_s: float) -> bool:
        """Return whether the id was seen at another offset within 24 hours of ``at_s``; else remember it."""

    def flush(self) -> None:
        """Make durable what was remembered."""


class Counts(msgspec.Struct):
    """What became of the messages read: read = processed + duplicate + late + rejected.

    ``late_after_idle`` and ``late_orders`` are parts of ``late``.
    """

    read: int = 0
    processed: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0
    late_after_idle: int = 0
    late_orders: int = 0


class _State(msgspec.Struct, array_like=True):
    format: int
    next_offset: int | None
    greatest_s: float
    idle_s: float
    watermark_s: float
    counts: Counts


class PartitionReader:
    """The reader of one source partition. Its state is a position, three times and the counts."""

    def __init__(
        self,
        partition: str,
        settings: IngestSettings,
        decode: Decode,
        seen: SeenIds,
        state: bytes | None = None,
    ) -> None:
        self.partition = partition
        self.counts = Counts()
        self.next_offset: int | None = None
        self.greatest_s = NEVER
        self.rejects: dict[str, int] = {}
        self.watermark_s = NEVER
        self._idle_s = NEVER
        self._latest_s = settings.latest_s
        self._settings = settings
        self._decode = decode
        self._seen = seen
        if state is not None:
            self._restore(msgspec.msgpack.decode(state, type=_State))

    def _restore(self, state: _State) -> None:
        check_format(f"partition {self.partition}", state.format, FORMAT)
        self.counts = state.counts
        self.next_offset = state.next_offset
        self.greatest_s = state.greatest_s
        self._idle_s = state.idle_s
        self.watermark_s = state.watermark_s

    def read(self, messages: Sequence[Message], now_s: float | None) -> list[ShardBatch | OutputRecord]:
        """Return the rejected records and the shard batches of the next messages of this partition."""
        shards: dict[int, list[AnyShopEvent]] = {}
        emitted: list[ShardBatch | OutputRecord] = []
        self._latest_s = now_s if self._settings.wall and now_s is not None else self._settings.latest_s
        for message in messages:
            self.counts.read += 1
            self.next_offset = message.offset + 1
            try:
                accepted = self._accept(message)
            except InvalidEvent as invalid:
                self.rejects[invalid.class_] = self.rejects.get(invalid.class_, 0) + 1
                if invalid.class_ == "late":
                    self.counts.late += 1
                else:
                    self.counts.rejected += 1
                emitted.append(_rejected(message, invalid))
                continue
            if accepted is not None:
                shards.setdefault(shard_of(accepted.visitor), []).append(accepted)
        self._seen.flush()
        emitted += self._batches(shards, _in_steps(self.greatest_s - self._settings.lateness_s), now_s)
        return emitted

    def _accept(self, message: Message) -> AnyShopEvent | None:
        """Return the event of a message, None for a duplicate; raise InvalidEvent for what it refuses."""
        event = self._decode(message)
        settings = self._settings
        market = market_of(event)
        check_market(market, settings)
        at_s = event.time.timestamp()
        sent_s = message.timestamp_s
        check_clock(event, at_s, self._latest_s if sent_s is None else min(sent_s, self._latest_s), settings)
        check_margin(event, market, settings)
        threshold_s = self.greatest_s - settings.lateness_s
        late = at_s < threshold_s or at_s < self._idle_s
        if late and not isinstance(event, OrderCompleted):
            if at_s >= threshold_s:
                self.counts.late_after_idle += 1
            behind_s = max(threshold_s, self._idle_s) - at_s
            raise InvalidEvent("late", f"{behind_s:.3f} s older than what is still accepted")
        if self._is_known(event, market, message.offset, at_s):
            self.counts.duplicate += 1
            return None
        if late:
            self.counts.late += 1
            self.counts.late_orders += 1
            placed_s = max(threshold_s, self._idle_s)
            return shop_event(event, market, placed_s, sent_s=sent_s, happened_s=at_s)
        self.counts.processed += 1
        self.greatest_s = max(self.greatest_s, at_s)
        return shop_event(event, market, at_s, sent_s=sent_s)

    def _is_known(self, event: Event, market: str, offset: int, at_s: float) -> bool:
        """Return whether the event was read before. An order sent by page and by shop is one order."""
        if self._seen.known(event.id, offset, at_s):
            return True
        if not isinstance(event, OrderCompleted):
            return False
        return self._seen.known(f"order\x1f{market}\x1f{event.visitor_id}\x1f{event.order_id}", offset, at_s)

    def _batches(
        self, shards: dict[int, list[AnyShopEvent]], watermark_s: float, now_s: float | None
    ) -> list[ShardBatch]:
        if watermark_s > self.watermark_s:
            self.watermark_s = watermark_s
            addressed: Sequence[int] = range(SHARDS)
        else:
            addressed = tuple(shards)
        read_s = None if self._settings.ordered else now_s
        return [
            ShardBatch(shard, self.partition, tuple(shards.get(shard, ())), self.watermark_s, read_s)
            for shard in addressed
        ]

    def idle(self, now_s: float) -> list[ShardBatch]:
        """Return the watermark of a partition that is proved caught up at the wall clock time ``now_s``."""
        idle_s = _in_steps(now_s - self._settings.lateness_s)
        if idle_s <= self.watermark_s:
            return []
        self._idle_s = idle_s
        return self._batches({}, idle_s, now_s)

    def resumed(self) -> list[ShardBatch]:
        """Return the last watermark for every shard: the first thing to emit after a resume."""
        if self.watermark_s == NEVER:
            return []
        return [ShardBatch(shard, self.partition, (), self.watermark_s) for shard in range(SHARDS)]

    def end(self) -> list[ShardBatch]:
        """Return the watermark of a partition that has ended for good: plus infinity."""
        return self._batches({}, FOREVER, None)

    def snapshot(self) -> bytes:
        """Return the state as bytes: the offset to read next, the times, the counts."""
        state = _State(FORMAT, self.next_offset, self.greatest_s, self._idle_s, self.watermark_s, self.counts)
        return msgspec.msgpack.encode(state)


def _in_steps(watermark_s: float) -> float:
    return watermark_s if watermark_s == NEVER else math.floor(watermark_s / STEP_S) * STEP_S


def _rejected(message: Message, invalid: InvalidEvent) -> OutputRecord:
    record = reject(message, invalid)
    return OutputRecord(
        "rejected",
        "rejected",
        record.route,
        record.id,
        record.value or b"",
        record.headers,
        message.timestamp_s,
        own_key=record.key,
        is_null=record.value is None,
    )
