"""One shard of visitors: processes what the source partitions send, keeps time, and writes its state down.

Immediate mode processes events as they come. Ordered mode holds events until the shard's time passes them and
processes them, and the timers between them, in their total order. All else is the same.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from operators.sessions.session_machine import SessionMachine, SessionSettings
from operators.state.rows import RowStore, StateRows
from operators.streaming.ids import SHARDS, check_format
from operators.streaming.messages import AnyShopEvent, Order, ShardBatch, ShardOutput, place
from operators.streaming.watermark import Watermark

FORMAT: Final = 5
SAVE_EVERY_S: Final = 10.0
"""How often visits that changed go to the feature store and figures are emitted.

Live this is time of the wall clock, by which batches are read, else event time: a backlog whose events are
far apart is saved no more often than one whose events are dense. Shards do it in turn.
"""


class _State(msgspec.Struct, array_like=True):
    format: int
    shard: int
    watermarks: dict[str, float]
    time_s: float
    saved_s: float
    buffered: list[AnyShopEvent]
    rows: bytes


class Shard:
    """The visits of one shard, in event time.

    Bounded as its sessions are and, in ordered mode, by the events of the allowed lateness and of the
    greatest lead of one partition over another.
    """

    def __init__(  # noqa: PLR0913  what it is, and what it goes on from
        self,
        shard: int,
        partitions: Sequence[str],
        settings: SessionSettings,
        *,
        ordered: bool,
        store: RowStore | None = None,
        state: bytes | None = None,
    ) -> None:
        self.shard = shard
        self._ordered = ordered
        self._clock: Watermark[str] = Watermark(partitions)
        self._rows = StateRows(store)
        self._sessions = SessionMachine(settings, self._rows)
        self._buffered: list[AnyShopEvent] = []
        self._saved_s = 0.0
        if state is None:
            self._rows.begin()
        else:
            was = msgspec.msgpack.decode(state, type=_State)
            check_format(f"shard {shard}", was.format, FORMAT)
            self._clock.restore(was.watermarks, was.time_s)
            self._buffered = was.buffered
            self._saved_s = was.saved_s
            self._rows.restore(was.rows)
            self._sessions.restored()

    @property
    def time_s(self) -> float:
        """The time of this shard: nothing older will come, except late orders, which are placed at it."""
        return self._clock.time_s

    def figures(self) -> dict[str, float]:
        """Return how much this shard holds."""
        sessions = self._sessions
        return {
            "visits": len(sessions.visits),
            "carts": sessions.carts,
            "timers": len(sessions.timers),
            "buffered_events": len(self._buffered),
        }

    def process(self, batches: Iterable[ShardBatch]) -> ShardOutput:
        """Process what source partitions send; return what follows and then this shard's watermark."""
        sessions = self._sessions
        advanced = False
        for batch in batches:
            sessions.read_s = batch.read_s
            if self._ordered:
                self._buffered += batch.events
            elif batch.events:
                for event in batch.events:
                    if type(event) is not Order or not sessions.passes_by(event):
                        sessions.process(event)
            advanced |= self._clock.advance(batch.partition, batch.watermark_s)
        figures = None
        if advanced:
            self._advance()
            clock_s = self.time_s if sessions.read_s is None else sessions.read_s
            if self._is_turn_to_save(clock_s):
                self._saved_s = clock_s
                figures = self._save()
        emitted = sessions.drain()
        watermark_s = self.time_s if advanced else None
        return ShardOutput(self.shard, tuple(emitted.events), watermark_s, tuple(emitted.features), figures)

    def _advance(self) -> None:
        sessions = self._sessions
        time_s = self.time_s
        due = [event for event in self._buffered if event.at_s < time_s] if self._buffered else None
        if due:
            self._buffered = [event for event in self._buffered if event.at_s >= time_s]
            due.sort(key=place)
            for event in due:
                if type(event) is not Order or not sessions.passes_by(event):
                    sessions.fire(event.at_s)
                    sessions.process(event)
        sessions.fire(time_s)

    def _is_turn_to_save(self, clock_s: float) -> bool:
        """Return whether another turn of this shard has begun since it saved last; clocks may be set back."""
        begins_s = SAVE_EVERY_S * self.shard / SHARDS
        return (clock_s - begins_s) // SAVE_EVERY_S != (self._saved_s - begins_s) // SAVE_EVERY_S

    def _save(self) -> dict[str, float]:
        sessions = self._sessions
        sessions.forget(self.time_s)
        sessions.save_changed()
        return self.figures()

    def snapshot(self) -> bytes:
        """Return the state as bytes: of the sessions, only what changed since the last snapshot."""
        state = _State(
            FORMAT,
            self.shard,
            self._clock.inputs(),
            self.time_s,
            self._saved_s,
            self._buffered,
            self._rows.snapshot(),
        )
        return msgspec.msgpack.encode(state)


def shard_in(state: bytes) -> int:
    """Return the number of the shard whose state this is."""
    return msgspec.msgpack.decode(state, type=_State).shard


def rows_in(state: bytes) -> bytes:
    """Return the snapshot of the rows of the shard whose state this is."""
    return msgspec.msgpack.decode(state, type=_State).rows
