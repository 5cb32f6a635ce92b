"""The Kafka source of the dataflow: each partition of each topic, all read through one consumer."""

import math
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from typing_extensions import override

from flows.cluster.membership import ALONE
from flows.cluster.pace import PaceBoard, PaceNote
from flows.kafka.cluster import Cluster
from flows.kafka.shared_consumer import IDLE_WAIT_S, BufferLimits, PartitionBuffer, SharedConsumer
from flows.kafka.topics import topic_partition
from flows.worker.pulse import Pulse
from flows.worker.shutdown import Shutdown
from operators.ingest.message_reader import LiveReader
from operators.streaming.messages import ReaderOutput
from schemas.message import Message

Ready = Callable[[Sequence[Message]], int]
"""How many messages, from the first, can be read without waiting; the next one is waited for."""
Clock = Callable[[], float]
"""Tells the time of day in seconds since 1970."""
WAIT_BESIDE_OTHERS_S: Final = 0.002
AT_ONCE: Final = datetime.fromtimestamp(0, UTC)
"""Bytewax compares this with the machine's clock: a time to come would not come once that is set back."""


class PartitionStatus(NamedTuple):
    """The lag in records (None: not known yet), how many of them are buffered, and whether reading waits.

    ``is_held_back``: this partition waits for slower ones, or for the schema of its next record.
    """

    lag: int | None
    buffered: int
    is_held_back: bool


class LagLimiter:
    """Keeps partitions from running more than ``max_lead_s`` of event time ahead of the slowest.

    A partition that is proved to be caught up is not slow; one that has read nothing yet is the slowest of
    all. Those that are read first wait for no other, and all others wait until they have read what stood in
    them at the start. What other processes read counts as well, by the ``board``.
    """

    def __init__(
        self,
        consumer: SharedConsumer,
        max_lead_s: float,
        *,
        idle_by_events: bool,
        board: PaceBoard,
        clock: Clock = time.time,
    ) -> None:
        self.consumer = consumer
        self._board = board
        self._clock = clock
        self.partitions: list[KafkaSourcePartition] = []
        self._max_lead_s = max_lead_s
        self._idle_by_events = idle_by_events
        self._is_begun = False
        self._told_stop = False
        self._round = -1
        self._slowest_s = -math.inf
        self._newest_events: deque[tuple[float, float]] = deque(maxlen=2048)

    def idle_time_s(self, caught_up_s: float) -> float:
        """Return the time that an idle partition has reached: the wall clock's, or the newest event's then.

        Where events run ahead of the wall clock, what a silent partition receives later is no older than the
        newest event that others had read when its end was asked for.
        """
        if not self._idle_by_events:
            return caught_up_s
        newest_s = max(self._newest_s(), self._board.newest_s)
        self._newest_events.append((self._clock(), newest_s))
        while len(self._newest_events) > 1 and self._newest_events[1][0] <= caught_up_s:
            self._newest_events.popleft()
        noted_s, newest_then_s = self._newest_events[0]
        return max(caught_up_s, newest_then_s) if noted_s <= caught_up_s else caught_up_s

    def holds_back(self, partition: "KafkaSourcePartition") -> bool:
        """Whether a partition is too far ahead, or its turn has not come."""
        if partition.is_first:
            return False
        if not self._have_read_first():
            return True
        if self._round != self.consumer.round:
            self._round = self.consumer.round
            self._slowest_s = min(self._own_slowest_s(), self._board.slowest_s)
        return partition.reader.event_time_s - self._slowest_s > self._max_lead_s

    def notes(self, *, stops_for: str | None = None) -> list[PaceNote]:
        """Return what the other processes are to be told now, nothing where there are none.

        That all must stop is told once.
        """
        if self._told_stop or not (self._board.is_due() or (stops_for is not None and self._board.others)):
            return []
        self._told_stop = stops_for is not None
        slowest_s, is_begun = self._own_slowest_s(), self._have_read_own_first()
        return [PaceNote(self._board.process, slowest_s, self._newest_s(), is_begun, stops_for)]

    def _newest_s(self) -> float:
        return max((one.reader.greatest_s for one in self.partitions), default=-math.inf)

    def _own_slowest_s(self) -> float:
        behind = (one.reader.event_time_s for one in self.partitions if one.caught_up_at() is None)
        return min(behind, default=math.inf)

    def _have_read_first(self) -> bool:
        return self._have_read_own_first() and self._board.is_begun

    def _have_read_own_first(self) -> bool:
        if not self._is_begun:
            self._is_begun = all(one.has_read_start() for one in self.partitions if one.is_first)
        return self._is_begun


class KafkaSourcePartition(StatefulSourcePartition[ReaderOutput | PaceNote, bytes]):
    """One partition of a topic, read without waiting; ``resumed`` emits first what a resume asks for.

    Records that are taken from the buffer and not ready stay unread, a batch of them at most.
    """

    def __init__(  # noqa: PLR0913  what to read, with what, and when
        self,
        consumer: SharedConsumer,
        buffer: PartitionBuffer,
        reader: LiveReader,
        limiter: LagLimiter,
        shutdown: Shutdown,
        *,
        resumed: bool,
        ready: Ready = len,
        is_first: bool = False,
        pulse: Pulse,
        clock: Clock = time.time,
    ) -> None:
        self._pulse = pulse
        self._clock = clock
        self.buffer = buffer
        self.reader = reader
        self.is_first = is_first
        self._consumer = consumer
        self._limiter = limiter
        self._shutdown = shutdown
        self._batch = consumer.limits.poll_records
        self._emit_first: list[ReaderOutput] = list(reader.resumed()) if resumed else []
        self._reported_s: float | None = None
        self._sealed_offset: int | None = None
        self._ready = ready
        self._unread: list[Message] = []
        self._start_end: int | None = None
        limiter.partitions.append(self)

    @override
    def next_batch(self) -> list[ReaderOutput | PaceNote]:
        """Return what follows from the next records, or from there being none; BrokerError if unreadable."""
        self._pulse.beat()
        if self._shutdown.is_requested:
            if last := self._limiter.notes(stops_for=self._shutdown.restart_reason or ""):
                return [*last]
            raise StopIteration
        if self._shutdown.failure is not None:
            raise self._shutdown.failure
        emitted: list[ReaderOutput | PaceNote] = [*self._limiter.notes(), *self._emit_first]
        self._emit_first = []
        self._consumer.poll(self.buffer)
        if self._unread or self.buffer.records:
            if not self._limiter.holds_back(self) and (messages := self._take_ready()):
                emitted.extend(self.reader.read(messages, self._clock()))
                self._consumer.has_read()
                return emitted
        elif (caught_up_s := self.caught_up_at()) is not None and caught_up_s != self._reported_s:
            self._reported_s = caught_up_s
            emitted.extend(self.reader.idle(self._limiter.idle_time_s(caught_up_s)))
        return emitted

    def _take_ready(self) -> list[Message]:
        messages = self._unread or self.buffer.take(self._batch)
        count = self._ready(messages)
        self._unread = messages[count:]
        return messages[:count]

    @override
    def next_awake(self) -> datetime | None:
        """Return that the next poll is due: the consumer itself waits for records."""
        return AT_ONCE

    @override
    def snapshot(self) -> bytes:
        """Return the reader's state, and commit the offset of the snapshot before, which is sealed by now."""
        if self._sealed_offset is not None:
            self._consumer.commit(self.buffer.name, self._sealed_offset)
        self._sealed_offset = self.reader.next_offset
        return self.reader.snapshot()

    @override
    def close(self) -> None:
        """Leave the consumer."""
        self._consumer.remove(self.buffer)

    def caught_up_at(self) -> float | None:
        """Return the wall clock at which all of this partition was read, if that is proved."""
        if self._unread or self.buffer.records:
            return None
        return self._consumer.end_offsets.caught_up_at(self.buffer.id, self.buffer.position)

    def is_assigned(self) -> bool:
        """Whether a broker has told where it ends."""
        return self.buffer.id in self._consumer.end_offsets.reply.ends

    def has_read_start(self) -> bool:
        """Whether what stood in it when its end was first asked for is read."""
        if self._start_end is None:
            self._start_end = self._consumer.end_offsets.reply.ends.get(self.buffer.id)
        if self._start_end is None:
            return False
        read_to = self.reader.next_offset
        if read_to is not None and read_to >= self._start_end:
            return True
        return not (self._unread or self.buffer.records) and self.buffer.position >= self._start_end

    def status(self) -> PartitionStatus:
        """Return its status now."""
        buffered = len(self._unread) + len(self.buffer.records)
        to_fetch = self._consumer.end_offsets.lag(self.buffer.id, self.buffer.position)
        is_held_back = bool(self._unread) or (buffered > 0 and self._limiter.holds_back(self))
        return PartitionStatus(None if to_fetch is None else to_fetch + buffered, buffered, is_held_back)


class KafkaSource(FixedPartitionedSource[ReaderOutput | PaceNote, bytes]):
    """The source. ``start`` names every partition and the offset to read from when there is no snapshot.

    ``reader_of`` makes the reader of a partition from its name and its snapshot. A partition more than
    ``max_lead_s`` of event time ahead of the slowest waits for it. With ``idle_by_events`` time in a silent
    partition follows the events of the others, for simulated time that is faster than the wall clock.
    A partition waits at a record that is not ``ready``. Partitions of the topics ``first`` are read before
    others. One of several processes reads only what is ``owned``, and sees the others on the ``board``.
    """

    def __init__(  # noqa: PLR0913  where to read, with which readers, and the limits that users set
        self,
        cluster: Cluster,
        start: Mapping[str, int],
        reader_of: Callable[[str, bytes | None], LiveReader],
        shutdown: Shutdown,
        *,
        max_lead_s: float,
        idle_by_events: bool = False,
        limits: BufferLimits | None = None,
        ready: Ready = len,
        first: Collection[str] = (),
        pulse: Pulse | None = None,
        clock: Clock = time.time,
        owned: Collection[str] | None = None,
        board: PaceBoard | None = None,
    ) -> None:
        self._pulse = Pulse() if pulse is None else pulse
        self._clock = clock
        self._owned = start.keys() if owned is None else owned
        self._board = PaceBoard(ALONE, ()) if board is None else board
        self._ready = ready
        self._first = frozenset(first)
        self._cluster = cluster
        self._start = start
        self._reader_of = reader_of
        self._shutdown = shutdown
        self._max_lead_s = max_lead_s
        self._idle_by_events = idle_by_events
        self._limits = limits
        self._limiter: LagLimiter | None = None
        self._consumers: dict[bool, SharedConsumer] = {}

    @override
    def list_parts(self) -> list[str]:
        """Return the names of the partitions of the topics that this process reads."""
        return sorted(self._owned)

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: bytes | None) -> KafkaSourcePartition:
        """Return a partition that reads on where its snapshot ended."""
        if self._limiter is None:
            events = self._consumer_of(is_first=False)
            self._limiter = LagLimiter(
                events,
                self._max_lead_s,
                idle_by_events=self._idle_by_events,
                board=self._board,
                clock=self._clock,
            )
        reader = self._reader_of(for_part, resume_state)
        offset = reader.next_offset
        is_first = topic_partition(for_part)[0] in self._first
        consumer = self._consumer_of(is_first=is_first)
        buffer = consumer.add(for_part, self._start[for_part] if offset is None else offset)
        return KafkaSourcePartition(
            consumer,
            buffer,
            reader,
            self._limiter,
            self._shutdown,
            resumed=resume_state is not None,
            ready=self._ready,
            is_first=is_first,
            pulse=self._pulse,
            clock=self._clock,
        )

    def _consumer_of(self, *, is_first: bool) -> SharedConsumer:
        """Return the consumer of a partition: what is read first does not queue behind events.

        Only the one of events waits for records when there are none, or each would wait for the other's. What
        comes from other processes meanwhile waits too, so beside them it waits less.
        """
        if is_first not in self._consumers:
            idle_s = WAIT_BESIDE_OTHERS_S if self._board.others else IDLE_WAIT_S
            wait_s = 0.0 if is_first else idle_s
            self._consumers[is_first] = SharedConsumer(
                self._cluster, self._limits, wait_s=wait_s, clock=self._clock
            )
        return self._consumers[is_first]

    def unassigned(self) -> list[str]:
        """Return the partitions of which no broker has told yet where they end."""
        partitions = () if self._limiter is None else self._limiter.partitions
        return sorted(one.buffer.name for one in partitions if not one.is_assigned())

    def statuses(self) -> dict[str, PartitionStatus]:
        """Return the status of every partition by its name."""
        if self._limiter is None:
            return {}
        return {one.buffer.name: one.status() for one in self._limiter.partitions}
