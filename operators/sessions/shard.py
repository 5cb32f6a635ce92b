"""One shard of visitors: takes what the source partitions say, keeps time, and writes its state down.

Immediate mode takes facts as they come. Ordered mode holds facts until the shard's time passes them and takes
them, and the timers between them, in their total order. All else is the same.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from operators.sessions.session_machine import Live, Sessions, VisitSettings
from operators.streaming.ids import check_format
from operators.streaming.messages import Fact, ShardBatch, ShardOutput, place
from operators.streaming.watermark import Watermark

FORMAT: Final = 1
SAVED_EVERY_S: Final = 10.0
"""Visits that moved go to the feature store, and figures are said, once in so many seconds of event time."""


class _State(msgspec.Struct, array_like=True):
    format: int
    shard: int
    promises: dict[str, float]
    time_s: float
    saved_s: float
    held: list[Fact]
    live: bytes


class Shard:
    """The visits of one shard, in event time.

    Bounded as its sessions are and, in ordered mode, by the facts of the allowed lateness and of the greatest
    lead of one partition over another.
    """

    def __init__(
        self,
        shard: int,
        parts: Sequence[str],
        settings: VisitSettings,
        *,
        ordered: bool = False,
        state: bytes | None = None,
    ) -> None:
        self.shard = shard
        self._ordered = ordered
        self._clock: Watermark[str] = Watermark(parts)
        self._sessions = Sessions(settings)
        self._held: list[Fact] = []
        self._saved_s = 0.0
        self._live: bytes | None = None
        if state is not None:
            was = msgspec.msgpack.decode(state, type=_State)
            check_format(f"shard {shard}", was.format, FORMAT)
            self._clock.restore(was.promises, was.time_s)
            self._held = was.held
            self._saved_s = was.saved_s
            self._live = was.live
            self._sessions.restore(msgspec.msgpack.decode(was.live, type=Live))

    @property
    def time_s(self) -> float:
        """The time of this shard: nothing older will come, except late orders, which are placed at it."""
        return self._clock.time_s

    def figures(self) -> dict[str, float]:
        """Return how much this shard holds."""
        visits = self._sessions.visits
        return {
            "visits": len(visits),
            "carts": self._sessions.carts,
            "timers": len(self._sessions.timers),
            "buffered_events": len(self._held),
        }

    def take(self, parcels: Iterable[ShardBatch]) -> ShardOutput:
        """Take what source partitions say; return what follows from it and then this shard's tick."""
        sessions = self._sessions
        advanced = False
        for parcel in parcels:
            sessions.read_s = parcel.read_s
            if self._ordered:
                self._held += parcel.facts
            elif parcel.facts:
                self._live = None
                for fact in parcel.facts:
                    sessions.take(fact)
            advanced |= self._clock.advance(parcel.part, parcel.tick_s)
        figures = self._advance() if advanced else None
        rows, sessions.rows = sessions.rows, []
        saved, sessions.saved = sessions.saved, []
        tick_s = self.time_s if advanced else None
        return ShardOutput(self.shard, tuple(rows), tick_s, tuple(saved), figures)

    def _advance(self) -> dict[str, float] | None:
        sessions = self._sessions
        time_s = self.time_s
        due = [fact for fact in self._held if fact.at_s < time_s]
        if due:
            self._live = None
            self._held = [fact for fact in self._held if fact.at_s >= time_s]
            due.sort(key=place)
            for fact in due:
                sessions.fire(fact.at_s)
                sessions.take(fact)
        if sessions.fire(time_s) | sessions.forget(time_s):
            self._live = None
        if time_s < self._saved_s + SAVED_EVERY_S:
            return None
        self._saved_s = time_s
        sessions.save_touched()
        return self.figures()

    def snapshot(self) -> bytes:
        """Return the state as bytes; sessions that did not move since the last time are not encoded again."""
        if self._live is None:
            self._live = msgspec.msgpack.encode(self._sessions.live())
        state = _State(
            FORMAT, self.shard, self._clock.promises(), self.time_s, self._saved_s, self._held, self._live
        )
        return msgspec.msgpack.encode(state)


def shard_in(state: bytes) -> int:
    """Return the number of the shard whose state this is."""
    return msgspec.msgpack.decode(state, type=_State).shard
