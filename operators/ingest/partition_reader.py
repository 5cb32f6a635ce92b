"""One source partition's messages, validated in offset order: accepted, invalid, late or duplicate."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import msgspec

from operators.ingest.addressing import send_order
from operators.ingest.counts import Counts
from operators.ingest.event_time import RobustTime
from operators.ingest.from_events import FEEDBACK, Placed, market_of, shop_event
from operators.ingest.money import OF_ORDERS, WITH_MONEY, converted, rate_of
from operators.ingest.rejected_output import rejected_output
from operators.ingest.settings import IngestSettings
from operators.ingest.validation import happened_at, known_time, unknown_market
from operators.ingest.watermark_steps import TURN_S, in_steps, watermark_of, whose_turn
from operators.streaming.ids import SHARDS, check_format, hash_of
from operators.streaming.messages import AnyShopEvent, OrderEvent, OutputRecord, ShardBatch
from operators.streaming.watermark import NEVER
from schemas.adapters import Decode, Decoded, SeveralEvents
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject

FORMAT: Final = 3
FOREVER: Final = math.inf
CLOCK_STEP_S: Final = 0.001
"""Brokers cut their timestamps to milliseconds: an event of the same one is not later than its record."""

Shards = dict[int, list[AnyShopEvent]]
"""Events by shard; ``read`` makes one that has an empty list for every other shard."""


class SeenIds(Protocol):
    """The memory of event ids of one source partition. It is not rolled back after a crash."""

    def known(self, id_: str, offset: int, at_s: float) -> bool:
        """Return whether the id was seen at another offset within 24 hours of ``at_s``; else remember it."""

    def flush(self) -> None:
        """Make durable what was remembered."""


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
    """The reader of one source partition. Its state is a position, its times and the counts.

    ``rejects`` counts by class and ``dropped`` by field since it was made.
    """

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
        self.dropped: dict[str, int] = {}
        self.watermark_s = NEVER
        self._idle_s = NEVER
        self._now_s: float | None = None
        self._ids_beside: set[str] | None = None
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
        shards: Shards = defaultdict(list)
        emitted: list[ShardBatch | OutputRecord] = []
        self._now_s = known_time(now_s) if self._settings.wall else None
        counts = self.counts
        taken = new = 0
        for message in messages:
            self.next_offset = message.offset + 1
            try:
                new += self._take(message, shards)
                taken += 1
            except InvalidEvent as invalid:
                emitted.append(self._rejected(message, invalid))
                counts.records_rejected += 1
            except SeveralEvents as several:
                rejected = self._take_parts(several.parts, shards)
                emitted += rejected
                is_rejected = 0 < len(rejected) == len(several.parts)
                counts.records_rejected += is_rejected
                counts.taken += not is_rejected
        counts.read += len(messages)
        counts.taken += taken
        counts.events += taken
        counts.processed += new
        counts.duplicate += taken - new
        self._seen.flush()
        emitted += self._batches(shards, self.event_time_s - self._settings.lateness_s, now_s)
        return emitted

    def _take_parts(self, parts: Sequence[Message], shards: Shards) -> list[OutputRecord]:
        """Take the events of one message; return what is rejected of them."""
        rejected: list[OutputRecord] = []
        self._ids_beside = set()
        for part in parts:
            try:
                is_new = self._take(part, shards)
                self.counts.events += 1
                self.counts.processed += is_new
                self.counts.duplicate += not is_new
            except InvalidEvent as invalid:
                rejected.append(self._rejected(part, invalid))
        self._ids_beside = None
        return rejected

    def _rejected(self, message: Message, invalid: InvalidEvent) -> OutputRecord:
        self.counts.events += 1
        self.counts.rejected += 1
        self.rejects[invalid.class_] = self.rejects.get(invalid.class_, 0) + 1
        return rejected_output(reject(message, invalid), message.timestamp_s)

    def _take(self, message: Message, shards: Shards) -> bool:
        """Take the one event of a message; return whether it is no duplicate.

        InvalidEvent for one that is refused.
        """
        decoded = self._decode(message)
        event = decoded.event
        kind = type(event)
        settings, counts, time = self._settings, self.counts, self._time
        market = event.market if kind not in FEEDBACK else market_of(event)
        if market not in settings.markets:
            raise unknown_market(market, settings)
        rate = rate_of(event, market, settings) if kind in WITH_MONEY else 1.0
        claimed_s = event.time.timestamp()
        sent_s = message.timestamp_s
        at_s = happened_at(claimed_s, sent_s, self._now_s, settings)
        own_due_s = time.time_s - settings.lateness_s
        due_s = max(self._idle_s, own_due_s)
        late = at_s < due_s
        is_of_order = kind in OF_ORDERS
        if late and due_s - at_s > settings.max_late_s and not is_of_order:
            raise InvalidEvent("late", f"{due_s - at_s:.0f} s older than what is processed now")
        beside = self._ids_beside is not None and self._is_beside(event.id)
        if beside or self._seen.known(event.id, message.offset, at_s):
            return False
        partial = self._count_dropped(decoded) if decoded.dropped else False
        if is_of_order and event.origin != "online":  # type: ignore[union-attr]
            counts.ignored += 1
            return True
        if claimed_s - at_s >= CLOCK_STEP_S:
            counts.clamped += 1
        self.greatest_s = max(self.greatest_s, at_s)
        visitor = hash_of(event.visitor_id or event.id)
        time.observe(visitor, at_s)
        position = self._position(message) if is_of_order else ""
        if late:
            counts.late += 1
            counts.late_orders += is_of_order
            counts.late_after_idle += at_s >= own_due_s
            placed = Placed(due_s, sent_s, at_s, position, partial, decoded.trace)
        else:
            placed = Placed(at_s, sent_s, None, position, partial, decoded.trace)
        made = shop_event(event, market, placed)
        if rate != 1.0:
            made = converted(made, rate)
        if isinstance(made, OrderEvent):
            send_order(made, shards)
        else:
            shards[visitor % SHARDS].append(made)
        return True

    def _position(self, message: Message) -> str:
        position = f"{self.partition}/{message.offset}"
        return position if message.part is None else f"{position}/{message.part}"

    def _count_dropped(self, decoded: Decoded) -> bool:
        """Count what was dropped; return whether the event is partial."""
        for name in decoded.dropped:
            self.dropped[name] = self.dropped.get(name, 0) + 1
        self.counts.partial += decoded.is_partial
        return decoded.is_partial

    def _is_beside(self, id_: str) -> bool:
        """Return whether another event of the same message has this id."""
        beside = self._ids_beside
        if beside is None:
            return False
        is_there = id_ in beside
        beside.add(id_)
        return is_there

    def _batches(self, shards: Shards, watermark_s: float, now_s: float | None) -> list[ShardBatch]:
        before_s, watermark_s = self.watermark_s, in_steps(watermark_s, TURN_S)
        addressed: Iterable[int] = shards
        if watermark_s > before_s:
            self.watermark_s = watermark_s
            addressed = {*shards, *whose_turn(before_s, watermark_s)}
        read_s = None if self._settings.ordered else now_s
        return [self._batch(shard, shards.get(shard, ()), read_s) for shard in addressed]

    def _batch(self, shard: int, events: Iterable[AnyShopEvent], read_s: float | None) -> ShardBatch:
        told_s = watermark_of(shard, self.watermark_s)
        return ShardBatch(shard, self.partition, tuple(events), told_s, read_s)

    def idle(self, now_s: float) -> list[ShardBatch]:
        """Return the watermark of a partition that is proved caught up at the wall clock time ``now_s``."""
        idle_s = in_steps(now_s - self._settings.lateness_s, TURN_S)
        if idle_s <= self.watermark_s:
            return []
        self._idle_s = idle_s
        return self._batches({}, idle_s, now_s)

    def resumed(self) -> list[ShardBatch]:
        """Return the last watermark for every shard: the first thing to emit after a resume."""
        if self.watermark_s == NEVER:
            return []
        return [self._batch(shard, (), None) for shard in range(SHARDS)]

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
