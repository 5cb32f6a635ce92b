"""The Kafka sinks of the dataflow: each writes one topic, every record exactly once."""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from typing_extensions import override

from flows.cluster.membership import ALONE, Member
from flows.kafka.cluster import Cluster, log
from flows.kafka.producer import RecordProducer
from flows.kafka.resume_scan import scan_for_resume
from flows.kafka.topics import beginning_offsets, end_offsets, topic_partition
from flows.observability.log_events import LogEvent, tell
from flows.worker.fault_points import fault_point
from operators.streaming.messages import OutputRecord

KafkaSinkState = tuple[int, int, tuple[tuple[str, float], ...]]
"""Version, end offset, and the ids already written, each with when it was found."""

STATE_VERSION: Final = 1


@lru_cache(maxsize=65536)
def murmur2(key: str) -> int:
    """Return the hash by which Java's Kafka producer picks partitions, so that ours agree with others'.

    >>> murmur2("21"), murmur2("foobar"), murmur2("")
    (1173551340, 1357151166, 275646681)
    """
    data = key.encode()
    mixed = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * 0x5BD1E995 & 0xFFFFFFFF
        word = (word ^ word >> 24) * 0x5BD1E995 & 0xFFFFFFFF
        mixed = mixed * 0x5BD1E995 & 0xFFFFFFFF ^ word
    if rest := data[whole:]:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * 0x5BD1E995 & 0xFFFFFFFF
    mixed = (mixed ^ mixed >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return (mixed ^ mixed >> 15) & 0x7FFFFFFF


class KafkaSinkPartition(StatefulSinkPartition[OutputRecord, KafkaSinkState]):
    """One partition of a topic. ``already_written`` are ids in it that the dataflow will emit again.

    An id is forgotten when it is emitted, or ``already_written_ttl_s`` after it was found at a start: each
    crash adds at most those of one unsealed epoch, a restored backup those written since.
    """

    def __init__(
        self,
        name: str,
        producer: RecordProducer,
        end: int,
        already_written: dict[str, float],
        already_written_ttl_s: float,
    ) -> None:
        self._topic, self._partition = topic_partition(name)
        self._producer = producer
        self._end = end
        self._already_written = already_written
        self._already_written_ttl_s = already_written_ttl_s

    @override
    def write_batch(self, items: list[OutputRecord]) -> None:
        """Send the records that are not in the topic yet; NotDeliveredError if any record failed."""
        for output in items:
            if self._already_written and self._already_written.pop(output.id, None) is not None:
                continue
            self._producer.send(output, self._topic, self._partition, self._advance)
            fault_point("produced")
        self._producer.poll()

    @override
    def snapshot(self) -> KafkaSinkState:
        """Return the end offset once everything is acknowledged; NotDeliveredError if it will not be."""
        self._producer.flush()
        fault_point("flushed")
        if self._already_written:
            expired_s = time.time() - self._already_written_ttl_s
            self._already_written = {
                id_: at_s for id_, at_s in self._already_written.items() if at_s > expired_s
            }
        state = (STATE_VERSION, self._end, tuple(self._already_written.items()))
        fault_point("before_seal")
        return state

    @override
    def close(self) -> None:
        """Wait a little for what is in flight; raises nothing, for Bytewax aborts when closing fails."""
        self._producer.drain()

    def _advance(self, offset: int) -> None:
        self._end = offset + 1


class KafkaSink(FixedPartitionedSink[OutputRecord, KafkaSinkState]):
    """A topic as a sink. ``start`` names its partitions and where each ended when the state was new.

    Bytewax writes a key to partition ``part_fn(key) % number of partitions``, which is where a Java producer
    puts it. ``already_written_ttl_s`` bounds how long after a start a record that was written before it is
    expected to be emitted again. A ``member`` of several processes writes the partitions that it owns.
    """

    def __init__(
        self,
        cluster: Cluster,
        start: Mapping[str, int],
        producer: RecordProducer,
        *,
        already_written_ttl_s: float = 86_400.0,
        member: Member = ALONE,
    ) -> None:
        self._member = member
        self._cluster = cluster
        self._start = start
        self._producer = producer
        self._already_written_ttl_s = already_written_ttl_s
        self._retained: tuple[dict[str, int], dict[str, int]] | None = None

    @override
    def list_parts(self) -> list[str]:
        """Return the names of the partitions of the topic that this process writes."""
        return self._member.own(self._start)

    @override
    def part_fn(self, item_key: str) -> int:
        """Return the hash of a key."""
        return murmur2(item_key)

    @override
    def build_part(
        self, step_id: str, for_part: str, resume_state: KafkaSinkState | None
    ) -> KafkaSinkPartition:
        """Return a partition that knows what was written after its snapshot; BrokerError if unreadable."""
        if self._retained is None:
            self._retained = (
                beginning_offsets(self._cluster, self._start),
                end_offsets(self._cluster, self._start),
            )
        beginning, end = self._retained[0][for_part], self._retained[1][for_part]
        _, start, known = resume_state or (STATE_VERSION, self._start[for_part], ())
        if start > end:
            tell(log, LogEvent.RECORDS_LOST, partition=for_part, end=end, written=start)
            start = beginning  # of another topic, perhaps, into which the epoch that is repeated was written
        already_written = dict(known)
        scan_from = max(start, beginning)
        if scan_from < end:
            found = scan_for_resume(self._cluster, topic_partition(for_part), scan_from, end)
            already_written.update(found)
        return KafkaSinkPartition(for_part, self._producer, end, already_written, self._already_written_ttl_s)
