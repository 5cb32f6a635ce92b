"""The one consumer of a process: it fills the buffers of all partitions, and waits only when all is read."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from flows.kafka.cluster import Cluster, close_consumer, create_consumer, log
from flows.kafka.end_offsets import EndOffsets, PartitionId
from flows.kafka.records import (
    END_OF_PARTITION,
    OFFSET_OUT_OF_RANGE,
    UNREADABLE,
    KafkaRecord,
    consume,
    to_message,
)
from flows.kafka.topics import topic_partition
from flows.observability.log_events import LogEvent, tell
from schemas.errors import BrokerError
from schemas.message import Message

IDLE_WAIT_S: Final = 0.005
"""So long a poll waits for a record where the round before it read none: a signal is heard meanwhile."""
QUERY_TIMEOUT_S: Final = 5.0


class BufferLimits(NamedTuple):
    """A partition is paused above so many records or bytes; a poll adds at most ``poll_records`` more."""

    records: int = 4000
    size_bytes: int = 8_000_000
    poll_records: int = 1000


class PartitionBuffer:
    """The records of one partition that wait to be read; ``position`` is the offset to fetch next.

    Bounded by BufferLimits.
    """

    def __init__(self, name: str, position: int) -> None:
        self.name = name
        self.topic, self.partition = topic_partition(name)
        self.position = position
        self.records: deque[KafkaRecord] = deque()
        self.size_bytes = 0
        self.is_paused = False
        self.polled_in_round = -1

    @property
    def id(self) -> PartitionId:
        """The topic and the number of the partition."""
        return self.topic, self.partition

    def extend(self, records: Sequence[KafkaRecord]) -> None:
        """Add records at the end."""
        self.position = records[-1].offset() + 1
        self.size_bytes += sum(map(len, records))
        self.records.extend(records)

    def take(self, limit: int) -> list[Message]:
        """Remove and return up to ``limit`` of the oldest records, in their order."""
        if len(self.records) <= limit:
            taken, self.records = list(self.records), deque()
            self.size_bytes = 0
        else:
            taken = [self.records.popleft() for _ in range(limit)]
            self.size_bytes -= sum(map(len, taken))
        topic, partition = self.topic, self.partition
        return [to_message(record, topic, partition) for record in taken]

    def fetch_position(self) -> TopicPartition:
        """Return the partition with the offset to fetch next, as the client takes it."""
        return TopicPartition(self.topic, self.partition, self.position)


class SharedConsumer:
    """Polls for all buffers at once, once a round; a round ends when a buffer is polled for the second time.

    The partition of a full buffer is paused until the buffer is half empty. Commits are sent together. A poll
    waits up to ``wait_s`` for a record where nothing was read in the round before.
    """

    def __init__(
        self,
        cluster: Cluster,
        limits: BufferLimits | None = None,
        *,
        wait_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.end_offsets = EndOffsets(cluster, clock=clock)
        self.round = 0
        self.limits = BufferLimits() if limits is None else limits
        self._consumer = create_consumer(cluster)
        self._buffers: dict[PartitionId, PartitionBuffer] = {}
        self._assigned = 0
        self._commits: dict[str, int] = {}
        self._wait_s = wait_s
        self._is_idle = False

    def add(self, name: str, position: int) -> PartitionBuffer:
        """Return the buffer of one more partition, which is read from this offset on."""
        buffer = PartitionBuffer(name, position)
        self._buffers[buffer.id] = buffer
        return buffer

    def poll(self, buffer: PartitionBuffer) -> None:
        """Poll the client unless this round has done so; the buffer may have records afterwards.

        Raises BrokerError when a partition cannot be read on without skipping records.
        """
        if buffer.polled_in_round == self.round or not self._assigned:
            self.round += 1
            self._poll_client()
        buffer.polled_in_round = self.round

    def has_read(self) -> None:
        """Note that there was something to read, and that there may be more at once."""
        self._is_idle = False

    def commit(self, name: str, offset: int) -> None:
        """Commit this offset to the consumer group with the next poll."""
        self._commits[name] = offset

    def remove(self, buffer: PartitionBuffer) -> None:
        """Forget a buffer; with the last one the consumer closes."""
        self._buffers.pop(buffer.id, None)
        if not self._buffers:
            self._send_commits()
            self.end_offsets.close()
            close_consumer(self._consumer)

    def _poll_client(self) -> None:
        if self._assigned != len(self._buffers):
            self._assign()
        self._send_commits()
        self._resume_drained()
        records = consume(self._consumer, self.limits.poll_records, self._wait_s if self._is_idle else 0)
        self._dispatch(records)
        self._pause_full()
        self._is_idle = not records

    def _assign(self) -> None:
        self._consumer.assign([one.fetch_position() for one in self._buffers.values()])
        self._assigned = len(self._buffers)
        for buffer in self._buffers.values():
            buffer.is_paused = False
        self.end_offsets.track(self._buffers)

    def _dispatch(self, records: Sequence[KafkaRecord]) -> None:
        by_partition: defaultdict[PartitionId, list[KafkaRecord]] = defaultdict(list)
        errors: list[tuple[KafkaRecord, KafkaError]] = []
        for record in records:
            error = record.error()
            if error is None:
                by_partition[record.topic(), record.partition()].append(record)
            else:
                errors.append((record, error))
        for partition, read in by_partition.items():
            self._buffers[partition].extend(read)
        for record, error in errors:  # afterwards: the end of a partition is behind its last record
            self._take_error(record, error)

    def _take_error(self, record: KafkaRecord, error: KafkaError) -> None:
        if error.code() == END_OF_PARTITION:
            buffer = self._buffers[record.topic(), record.partition()]
            buffer.position = max(buffer.position, record.offset())
        elif error.code() == OFFSET_OUT_OF_RANGE or error.code() in UNREADABLE:
            raise self._read_error(record, error)
        else:
            tell(log, LogEvent.KAFKA_CLIENT, reason=error.str())

    def _read_error(self, record: KafkaRecord, error: KafkaError) -> BrokerError:
        buffer = self._buffers.get((record.topic(), record.partition()))
        if buffer is None or error.code() != OFFSET_OUT_OF_RANGE:
            return BrokerError(f"{record.topic()}/{record.partition()} cannot be read: {error.str()}")
        try:
            low, high = self._consumer.get_watermark_offsets(buffer.fetch_position(), timeout=QUERY_TIMEOUT_S)
            retained = f"{low} to {high}"
        except KafkaException:
            retained = "unknown"
        return BrokerError(
            f"{buffer.name} cannot be read on from offset {buffer.position}: "
            f"what Kafka retains is {retained}. Records were deleted before they were read, "
            "or the topic was made anew. Bring them back, "
            "or start with a new state directory"
        )

    def _pause_full(self) -> None:
        full = [one for one in self._buffers.values() if not one.is_paused and self._exceeds(one, 1)]
        if full:
            self._consumer.pause([one.fetch_position() for one in full])
            for one in full:
                one.is_paused = True

    def _resume_drained(self) -> None:
        drained = [one for one in self._buffers.values() if one.is_paused and not self._exceeds(one, 2)]
        if drained:
            self._consumer.resume([one.fetch_position() for one in drained])
            for one in drained:
                one.is_paused = False

    def _exceeds(self, buffer: PartitionBuffer, divisor: int) -> bool:
        """Whether a buffer holds more than this part of its limits."""
        records, size_bytes = self.limits.records // divisor, self.limits.size_bytes // divisor
        return len(buffer.records) > records or buffer.size_bytes > size_bytes

    def _send_commits(self) -> None:
        if self._commits:
            offsets = [TopicPartition(*topic_partition(name), at) for name, at in self._commits.items()]
            self._commits.clear()
            try:
                self._consumer.commit(offsets=offsets, asynchronous=True)
            except KafkaException as error:
                tell(log, LogEvent.KAFKA_CLIENT, reason=error.args[0].str())
