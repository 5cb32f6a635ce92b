"""Proof that a partition is read to its end: the end offset the broker reported, and when it was asked."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from flows.kafka.cluster import Cluster, create_consumer

BEGINNING: Final = OFFSET_BEGINNING
END: Final = OFFSET_END
PartitionId = tuple[str, int]
"""A topic and the number of one of its partitions."""


def query_offsets(
    client: Consumer, partitions: Iterable[PartitionId], which: int, timeout_s: float
) -> dict[PartitionId, int]:
    """Return the ``BEGINNING`` or ``END`` offset of each partition that has a leader.

    The end is the one that the client's isolation level sees. Sends one request to each leader, as a lookup
    by time, whose protocol has numbers for beginning and end: AdminClient.list_offsets can crash the process
    (librdkafka 2.16 looks for leaders on two threads at once). Raises KafkaException when no broker answers.
    """
    request = [TopicPartition(topic, partition, which) for topic, partition in partitions]
    reply = client.offsets_for_times(request, timeout=timeout_s) if request else []
    return {(one.topic, one.partition): one.offset for one in reply if one.error is None and one.offset >= 0}


class EndOffsetsReply(NamedTuple):
    """The ends of the partitions, and when the broker was asked: monotonic clock and wall clock."""

    ends: dict[PartitionId, int]
    asked_monotonic_s: float
    asked_wall_s: float


class EndOffsets:
    """Asks the broker for the ends of all partitions, every ``interval_s``, on a thread of its own.

    A request without a reply proves nothing, and a reply proves nothing for longer than ``valid_s``. Bounded
    by the number of partitions.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        interval_s: float = 0.4,
        valid_s: float = 1.0,
        timeout_s: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self.reply = EndOffsetsReply({}, float("-inf"), 0.0)
        self._cluster = cluster
        self._interval_s = interval_s
        self._valid_s = valid_s
        self._timeout_s = timeout_s
        self._closing = threading.Event()
        self._partitions: list[PartitionId] = []
        self._thread: threading.Thread | None = None

    def track(self, partitions: Iterable[PartitionId]) -> None:
        """Ask for these partitions from now on."""
        self._partitions = list(partitions)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="end-offsets", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(self._timeout_s)

    def caught_up_at(self, partition: PartitionId, position: int) -> float | None:
        """Return the wall clock at which a partition read up to ``position`` had ended there, if proved."""
        reply = self.reply
        end = reply.ends.get(partition)
        if end is None or position < end or time.monotonic() - reply.asked_monotonic_s > self._valid_s:
            return None
        return reply.asked_wall_s

    def lag(self, partition: PartitionId, position: int) -> int | None:
        """Return how many records are left to read, by the last reply; None before the first."""
        end = self.reply.ends.get(partition)
        return None if end is None else max(0, end - position)

    def _ask(self, client: Consumer, monotonic_s: float, wall_s: float) -> None:
        ends: dict[PartitionId, int] = {}
        try:
            ends = query_offsets(client, self._partitions, END, self._timeout_s)
            self.reply = EndOffsetsReply(ends, monotonic_s, wall_s)
        finally:
            if len(ends) < len(self._partitions):
                # A client that reads nothing asks a dead leader until its metadata is five minutes old.
                client.list_topics(timeout=self._timeout_s)

    def _run(self) -> None:
        client = create_consumer(self._cluster, quiet=True)
        while not self._closing.is_set():
            monotonic_s, wall_s = time.monotonic(), self._clock()
            with suppress(KafkaException):  # the reading consumer logs that the broker is gone
                self._ask(client, monotonic_s, wall_s)
            self._closing.wait(max(0.01, monotonic_s + self._interval_s - time.monotonic()))
        client.close()
