"""One source partition's messages, judged in offset order: taken, wrong, late or seen before; a tick."""

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from operators.ingest.from_events import fact, market_of
from operators.streaming.ids import SHARDS, check_format, shard_of
from operators.streaming.messages import Fact, OutputRecord, ShardBatch
from operators.streaming.watermark import NEVER
from schemas.events import Event, OrderCompleted
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject

FORMAT: Final = 1
FOREVER: Final = math.inf
LATEST_S: Final = 4_102_444_800.0
"""The year 2100: no clock that shows more is right, and what follows stays within the calendar."""
STEP_S: Final = 1.0
"""Ticks move in whole steps of this many seconds, so that a slow stream does not wake every shard."""

Decode = Callable[[Message], Event]


class SeenIds(Protocol):
    """The memory of event ids of one source partition. It is not rolled back after a crash."""

    def known(self, id_: str, offset: int, at_s: float) -> bool:
        """Say whether the id was seen at another offset within 24 hours of ``at_s``; else remember it."""

    def flush(self) -> None:
        """Make durable what was remembered."""


class IngestSettings(msgspec.Struct, frozen=True):
    """What is accepted. ``costed`` are the markets in which an order needs no unit costs.

    ``latest_s`` bounds the times of messages that have no broker's timestamp. ``ordered``: nothing is ever
    stale, so nobody is told when it was read. ``wall``: nothing may be later than when it is read, whatever
    its record says.
    """

    markets: frozenset[str]
    costed: frozenset[str]
    lateness_s: float = 10.0
    clock_skew_s: float = 300.0
    latest_s: float = math.inf
    ordered: bool = False
    wall: bool = False


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
    tick_s: float
    counts: Counts


class PartitionReader:
    """The judge of one source partition. Its state is a position, three times and the counts."""

    def __init__(
        self, part: str, settings: IngestSettings, decode: Decode, seen: SeenIds, state: bytes | None = None
    ) -> None:
        self.part = part
        self.counts = Counts()
        self.next_offset: int | None = None
        self.greatest_s = NEVER
        self.rejects: dict[str, int] = {}
        self._idle_s = NEVER
        self._tick_s = NEVER
        self._latest_s = settings.latest_s
        self._settings = settings
        self._decode = decode
        self._seen = seen
        if state is not None:
            self._restore(msgspec.msgpack.decode(state, type=_State))

    def _restore(self, state: _State) -> None:
        check_format(f"partition {self.part}", state.format, FORMAT)
        self.counts = state.counts
        self.next_offset = state.next_offset
        self.greatest_s = state.greatest_s
        self._idle_s = state.idle_s
        self._tick_s = state.tick_s

    @property
    def tick_s(self) -> float:
        """The last tick said."""
        return self._tick_s

    def read(self, messages: Sequence[Message], now_s: float | None) -> list[ShardBatch | OutputRecord]:
        """Return the parcels and the rejected records of the next messages of this partition."""
        shards: dict[int, list[Fact]] = {}
        said: list[ShardBatch | OutputRecord] = []
        self._latest_s = now_s if self._settings.wall and now_s is not None else self._settings.latest_s
        for message in messages:
            self.counts.read += 1
            self.next_offset = message.offset + 1
            try:
                accepted = self._judge(message)
            except InvalidEvent as wrong:
                self.rejects[wrong.class_] = self.rejects.get(wrong.class_, 0) + 1
                if wrong.class_ == "late":
                    self.counts.late += 1
                else:
                    self.counts.rejected += 1
                said.append(_rejected(message, wrong))
                continue
            if accepted is not None:
                shards.setdefault(shard_of(accepted.visitor), []).append(accepted)
        self._seen.flush()
        said += self._parcels(shards, _whole(self.greatest_s - self._settings.lateness_s), now_s)
        return said

    def _judge(self, message: Message) -> Fact | None:
        event = self._decode(message)
        settings = self._settings
        market = market_of(event)
        if market not in settings.markets:
            raise InvalidEvent("unknown_market", f"market {market!r} is not configured")
        at_s = event.time.timestamp()
        sent_s = message.timestamp_s
        latest_s = self._latest_s if sent_s is None else min(sent_s, self._latest_s)
        if at_s > latest_s + settings.clock_skew_s:
            raise InvalidEvent("clock", f"{at_s - latest_s:.0f} s later than its record or than now")
        if at_s > LATEST_S:
            raise InvalidEvent("clock", f"the event is of {event.time:%Y-%m-%d}")
        order = isinstance(event, OrderCompleted)
        if (
            order and market not in settings.costed and any(item.unit_cost is None for item in event.items)  # type: ignore[union-attr]
        ):
            raise InvalidEvent(
                "invalid", f"items: unit_cost is required, market {market!r} has no margin_rate"
            )
        promise = self.greatest_s - settings.lateness_s
        late = at_s < promise or at_s < self._idle_s
        if late and not order:
            if at_s >= promise:
                self.counts.late_after_idle += 1
            behind_s = max(promise, self._idle_s) - at_s
            raise InvalidEvent("late", f"{behind_s:.3f} s older than what is still accepted")
        if self._is_known(event, market, message.offset, at_s):
            self.counts.duplicate += 1
            return None
        if late:
            self.counts.late += 1
            self.counts.late_orders += 1
            placed = max(promise, self._idle_s)
            return fact(event, market, placed, sent_s=sent_s, happened_s=at_s)
        self.counts.processed += 1
        self.greatest_s = max(self.greatest_s, at_s)
        return fact(event, market, at_s, sent_s=sent_s)

    def _is_known(self, event: Event, market: str, offset: int, at_s: float) -> bool:
        """Say whether the event was read before. An order told twice, by page and by shop, is one order."""
        if self._seen.known(event.id, offset, at_s):
            return True
        if not isinstance(event, OrderCompleted):
            return False
        return self._seen.known(f"order\x1f{market}\x1f{event.visitor_id}\x1f{event.order_id}", offset, at_s)

    def _parcels(self, shards: dict[int, list[Fact]], tick_s: float, now_s: float | None) -> list[ShardBatch]:
        if tick_s > self._tick_s:
            self._tick_s = tick_s
            addressed: Sequence[int] = range(SHARDS)
        else:
            addressed = tuple(shards)
        read_s = None if self._settings.ordered else now_s
        return [
            ShardBatch(shard, self.part, tuple(shards.get(shard, ())), self._tick_s, read_s)
            for shard in addressed
        ]

    def idle(self, now_s: float) -> list[ShardBatch]:
        """Return the tick of a partition that is proved caught up at the wall clock time ``now_s``."""
        idle_s = _whole(now_s - self._settings.lateness_s)
        if idle_s <= self._tick_s:
            return []
        self._idle_s = idle_s
        return self._parcels({}, idle_s, now_s)

    def resumed(self) -> list[ShardBatch]:
        """Return the last tick for every shard: the first thing to say after a resume."""
        if self._tick_s == NEVER:
            return []
        return [ShardBatch(shard, self.part, (), self._tick_s) for shard in range(SHARDS)]

    def end(self) -> list[ShardBatch]:
        """Return the tick of a partition that has ended for good: plus infinity."""
        return self._parcels({}, FOREVER, None)

    def snapshot(self) -> bytes:
        """Return the state as bytes: the offset to read next, the times, the counts."""
        return msgspec.msgpack.encode(
            _State(FORMAT, self.next_offset, self.greatest_s, self._idle_s, self._tick_s, self.counts)
        )


def _whole(promise_s: float) -> float:
    return promise_s if promise_s == NEVER else math.floor(promise_s / STEP_S) * STEP_S


def _rejected(message: Message, wrong: InvalidEvent) -> OutputRecord:
    record = reject(message, wrong)
    return OutputRecord(
        "rejected", "rejected", record.id, record.id, record.value, record.headers, message.timestamp_s
    )
