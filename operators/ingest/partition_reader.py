"""One source partition's messages, validated in offset order: accepted, invalid, late or duplicate."""

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from operators.ingest.addressing import send_order
from operators.ingest.event_time import RobustTime
from operators.ingest.from_events import Placed, market_of, shop_event
from operators.ingest.rejected_output import rejected_output
from operators.ingest.settings import IngestSettings
from operators.ingest.validation import EARLIEST_S, check_margin, check_market, clamped
from operators.streaming.ids import SHARDS, check_format, shard_of
from operators.streaming.messages import AnyShopEvent, OrderEvent, OutputRecord, ShardBatch
from operators.streaming.watermark import NEVER
from schemas import events as native
from schemas.adapters import Decoded
from schemas.events import Event, OrderCompleted
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject

FORMAT: Final = 2
FOREVER: Final = math.inf
STEP_S: Final = 1.0
"""Watermarks move in whole steps of this many seconds, so that a slow stream does not wake every shard."""

Decode = Callable[[Message], Decoded]


class SeenIds(Protocol):
    """The memory of event ids of one source partition. It is not rolled back after a crash."""

    def known(self, id_: str, offset: int, at_s: float) -> bool:
        """Return whether the id was seen at another offset within 24 hours of ``at_s``; else remember it."""

    def flush(self) -> None:
        """Make durable what was remembered."""


class Counts(msgspec.Struct):
    """What became of the messages read: read = processed + duplicate + rejected.

    ``late`` is a part of ``processed``, ``late_after_idle`` and ``late_orders`` are parts of ``late``.
    ``clamped`` counts events that claimed to be later than they were received.
    """

    read: int = 0
    processed: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0
    late_after_idle: int = 0
    late_orders: int = 0
    clamped: int = 0


class _State(msgspec.Struct, array_like=True, kw_only=True):
    format: int
    next_offset: int | None
    greatest_s: float
    latest_s: list[tuple[int, float]]
    observed: int
    event_time_s: float
    idle_s: float
    watermark_s: float
    counts: Counts


class PartitionReader:
    """The reader of one source partition. Its state is a position, its times and the counts."""

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
        self._now_s: float | None = None
        self._time = RobustTime(visitors=settings.watermark_visitors)
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
        self._time = RobustTime(
            visitors=self._settings.watermark_visitors,
            latest=state.latest_s,
            observed=state.observed,
            time_s=state.event_time_s,
        )
        self._idle_s = state.idle_s
        self.watermark_s = state.watermark_s

    @property
    def event_time_s(self) -> float:
        """How far event time has come, whatever a minority of clocks claims."""
        return self._time.time_s

    def read(self, messages: Sequence[Message], now_s: float | None) -> list[ShardBatch | OutputRecord]:
        """Return the rejected records and the shard batches of the next messages of this partition."""
        shards: dict[int, list[AnyShopEvent]] = {}
        emitted: list[ShardBatch | OutputRecord] = []
        self._now_s = _received(now_s) if self._settings.wall else None
        for message in messages:
            self.counts.read += 1
            self.next_offset = message.offset + 1
            try:
                accepted = self._accept(message)
            except InvalidEvent as invalid:
                self.rejects[invalid.class_] = self.rejects.get(invalid.class_, 0) + 1
                self.counts.rejected += 1
                emitted.append(rejected_output(reject(message, invalid), message.timestamp_s))
                continue
            if accepted is not None:
                if isinstance(accepted, OrderEvent):
                    send_order(accepted, shards)
                else:
                    shards.setdefault(shard_of(accepted.visitor), []).append(accepted)
        self._seen.flush()
        emitted += self._batches(shards, _in_steps(self.event_time_s - self._settings.lateness_s), now_s)
        return emitted

    def _accept(self, message: Message) -> AnyShopEvent | None:
        """Return the event of a message, None for a duplicate; raise InvalidEvent for what it refuses."""
        decoded = self._decode(message)
        event = decoded.event
        settings = self._settings
        market = market_of(event)
        check_market(market, settings)
        check_margin(event, market, settings)
        claimed_s = event.time.timestamp()
        sent_s = message.timestamp_s
        at_s = clamped(claimed_s, self._received_s(sent_s), settings)
        own_due_s = self._time.time_s - settings.lateness_s
        due_s = max(self._idle_s, own_due_s)
        late = at_s < due_s
        if late and due_s - at_s > settings.max_late_s and not isinstance(event, OrderCompleted):
            raise InvalidEvent("late", f"{due_s - at_s:.0f} s older than what is processed now")
        if self._is_known(event, market, message.offset, at_s):
            self.counts.duplicate += 1
            return None
        counts = self.counts
        counts.processed += 1
        if at_s < claimed_s:
            counts.clamped += 1
        self.greatest_s = max(self.greatest_s, at_s)
        position = f"{self.partition}/{message.offset}" if isinstance(event, native.OrderEvent) else ""
        partial = decoded.is_partial if decoded.dropped else False
        self._time.observe(event.visitor_id or event.id, at_s)
        if not late:
            return shop_event(event, market, Placed(at_s, sent_s, None, position, partial))
        counts.late += 1
        counts.late_orders += isinstance(event, OrderCompleted)
        counts.late_after_idle += at_s >= own_due_s
        return shop_event(event, market, Placed(due_s, sent_s, at_s, position, partial))

    def _received_s(self, sent_s: float | None) -> float | None:
        """Return when a message with this timestamp was received at the latest, None where nobody knows."""
        sent_s, now_s = _received(sent_s), self._now_s
        if sent_s is None or (now_s is not None and now_s < sent_s):
            return now_s
        return sent_s

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
        latest_s, observed, event_time_s = self._time.state()
        state = _State(
            format=FORMAT,
            next_offset=self.next_offset,
            greatest_s=self.greatest_s,
            latest_s=latest_s,
            observed=observed,
            event_time_s=event_time_s,
            idle_s=self._idle_s,
            watermark_s=self.watermark_s,
            counts=self.counts,
        )
        return msgspec.msgpack.encode(state)


def _received(at_s: float | None) -> float | None:
    """Return a time of receipt, None for one before any: it was never set."""
    return at_s if at_s is not None and at_s >= EARLIEST_S else None


def _in_steps(watermark_s: float) -> float:
    return watermark_s if watermark_s == NEVER else math.floor(watermark_s / STEP_S) * STEP_S
