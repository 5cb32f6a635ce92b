"""The source of the page: every topic's partition is a part of its own, read through one consumer."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from typing_extensions import override

from flows.kafka.cluster import Cluster
from flows.kafka.shared_consumer import AT_ONCE, PartitionBuffer, SharedConsumer
from flows.worker.shutdown import Shutdown
from operators.streaming.messages import OutputRecord, ShardBatch
from schemas.message import Message


class MessageReader(Protocol):
    """What judges the records of one part: the reader of the page."""

    @property
    def next_offset(self) -> int | None:
        """Where to read on, None if nothing was read yet."""

    @property
    def greatest_s(self) -> float:
        """The greatest event time seen, minus infinity before any."""

    def read(self, messages: Sequence[Message], now_s: float | None) -> Iterable[ShardBatch | OutputRecord]:
        """What these records say."""

    def idle(self, now_s: float) -> Iterable[ShardBatch | OutputRecord]:
        """What is to say when the part was at its end at this time of the wall clock."""

    def resumed(self) -> Iterable[ShardBatch | OutputRecord]:
        """What is to say again after a resume."""

    def snapshot(self) -> bytes:
        """Its state."""


class Meter(NamedTuple):
    """How a part stands: records to come (None: not known), records waiting, whether it waits for others."""

    lag: int | None
    waiting: int
    held: bool


class LagLimiter:
    """How far ahead of the slowest part another may be, in seconds of event time.

    A part proved to be at its end is not slow; one that has said nothing yet is the slowest of all.
    """

    def __init__(self, hub: SharedConsumer, most_s: float, *, by_events: bool) -> None:
        self.parts: list[KafkaPart] = []
        self.hub = hub
        self._most_s = most_s
        self._round = -1
        self._slowest_s = -math.inf
        self._by_events = by_events
        self._seen: deque[tuple[float, float]] = deque(maxlen=2048)

    def time_at(self, proof_s: float) -> float:
        """What time it was when a part was at its end: the wall clock's, or that of the newest event then.

        Where events run faster than the wall clock, what comes later into a silent part is no older than what
        was seen elsewhere when its end was asked for.
        """
        if not self._by_events:
            return proof_s
        now_s = max((one.judge.greatest_s for one in self.parts), default=-math.inf)
        self._seen.append((time.time(), now_s))
        while len(self._seen) > 1 and self._seen[1][0] <= proof_s:
            self._seen.popleft()
        wall_s, newest_s = self._seen[0]
        return max(proof_s, newest_s) if wall_s <= proof_s else proof_s

    def holds(self, part: "KafkaPart") -> bool:
        """Whether a part is too far ahead."""
        if self._round != self.hub.round:
            self._round = self.hub.round
            behind = (one.judge.greatest_s for one in self.parts if one.proved() is None)
            self._slowest_s = min(behind, default=math.inf)
        return part.judge.greatest_s - self._slowest_s > self._most_s


class KafkaPart(StatefulSourcePartition[ShardBatch | OutputRecord, bytes]):
    """One partition of a topic, read without waiting."""

    def __init__(self, lane: PartitionBuffer, judge: MessageReader, pace: LagLimiter, stop: Shutdown) -> None:
        self.lane = lane
        self.judge = judge
        self._hub = pace.hub
        self._pace = pace
        self._stop = stop
        self._first: list[ShardBatch | OutputRecord] = []
        self._proof_s: float | None = None
        self._sealed: int | None = None
        self._nap = False
        pace.parts.append(self)

    def resume(self) -> "KafkaPart":
        """Itself, about to say first what is to say after a resume."""
        self._first.extend(self.judge.resumed())
        return self

    @override
    def next_batch(self) -> list[ShardBatch | OutputRecord]:
        """What the next records say, or what their absence says."""
        if self._stop.asked:
            raise StopIteration
        said, self._first = self._first, []
        self._hub.turn(self.lane)
        if self.lane.waiting:
            if not self._pace.holds(self):
                said.extend(self.judge.read(self.lane.take(AT_ONCE), time.time()))
                self._nap = False
                return said
        elif (proof_s := self.proved()) is not None and proof_s != self._proof_s:
            self._proof_s = proof_s
            said.extend(self.judge.idle(self._pace.time_at(proof_s)))
        self._nap = True
        return said

    @override
    def next_awake(self) -> datetime | None:
        """Soon when nothing came, together with all other parts; else at once."""
        return self._hub.awake_at if self._nap else None

    @override
    def snapshot(self) -> bytes:
        """The reader's state; the offset of the one before goes to the consumer group."""
        if self._sealed is not None:
            self._hub.commit(self.lane.name, self._sealed)
        self._sealed = self.judge.next_offset
        return self.judge.snapshot()

    @override
    def close(self) -> None:
        """Leave the consumer."""
        self._hub.leave(self.lane)

    def proved(self) -> float | None:
        """The wall clock at which all of this part was read, if that is proved."""
        if self.lane.waiting:
            return None
        return self._hub.ends.proved((self.lane.topic, self.lane.partition), self.lane.reached)

    def meter(self) -> Meter:
        """How it stands just now."""
        lane = self.lane
        lag = self._hub.ends.lag((lane.topic, lane.partition), lane.reached)
        held = bool(lane.waiting) and self._pace.holds(self)
        return Meter(None if lag is None else lag + len(lane.waiting), len(lane.waiting), held)


class KafkaSource(FixedPartitionedSource[ShardBatch | OutputRecord, bytes]):
    """Topics as a source: ``first`` names every part and the offset to read from when there is no snapshot.

    ``judge`` makes the reader of a part from its name and its snapshot. A part more than ``most_ahead_s``
    of event time ahead of the slowest waits for it. With ``by_events`` time in a silent part goes on with the
    events of the others, for simulated time that is faster than the wall clock.
    """

    def __init__(  # noqa: PLR0913  where to read, who judges, and the three ways in which it may go
        self,
        cluster: Cluster,
        first: Mapping[str, int],
        judge: Callable[[str, bytes | None], MessageReader],
        stop: Shutdown,
        *,
        most_ahead_s: float = 300.0,
        by_events: bool = False,
    ) -> None:
        self._cluster = cluster
        self._first = first
        self._judge = judge
        self._stop = stop
        self._most_ahead_s = most_ahead_s
        self._by_events = by_events
        self._pace: LagLimiter | None = None

    @override
    def list_parts(self) -> list[str]:
        """All partitions of the topics."""
        return sorted(self._first)

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: bytes | None) -> KafkaPart:
        """A part that reads on where its snapshot ended."""
        if self._pace is None:
            self._pace = LagLimiter(
                SharedConsumer(self._cluster), self._most_ahead_s, by_events=self._by_events
            )
        judge = self._judge(for_part, resume_state)
        offset = judge.next_offset
        lane = self._pace.hub.add(for_part, self._first[for_part] if offset is None else offset)
        part = KafkaPart(lane, judge, self._pace, self._stop)
        return part if resume_state is None else part.resume()

    def meters(self) -> dict[str, Meter]:
        """How every part stands."""
        return {one.lane.name: one.meter() for one in self._pace.parts} if self._pace else {}
