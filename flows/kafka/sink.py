"""The sinks of the page: part i writes partition i of a topic, each record once whatever happens."""

import time
from collections.abc import Mapping
from functools import lru_cache

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from typing_extensions import override

from flows.kafka.cluster import Cluster, log
from flows.kafka.producer import RecordProducer
from flows.kafka.resume_scan import scan_for_resume
from flows.kafka.topics import beginnings, ends, place
from flows.worker.fault_points import fault_point
from operators.streaming.messages import OutputRecord

SAID_AGAIN_WITHIN_S = 86400.0

State = tuple[int, int, tuple[tuple[str, float], ...]]
VERSION = 1


@lru_cache(maxsize=65536)
def murmur2(key: str) -> int:
    """The hash by which Java's Kafka producer spreads keys, so that our topics lie as others' do.

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


class KafkaSinkPart(StatefulSinkPartition[OutputRecord, State]):
    """One partition of a topic. ``again`` are ids that stand in it already and will be said again.

    They are forgotten when they come, or a day after they were written, so there are at most those of one
    unsealed epoch a crash.
    """

    def __init__(self, part: str, outbox: RecordProducer, end: int, again: dict[str, float]) -> None:
        self._topic, self._partition = place(part)
        self._outbox = outbox
        self._end = end
        self._again = again

    @override
    def write_batch(self, items: list[OutputRecord]) -> None:
        """Send what does not stand there yet."""
        for said in items:
            if self._again and self._again.pop(said.id, None) is not None:
                continue
            self._outbox.send(said, self._topic, self._partition, self._delivered)
            fault_point("produced")
        self._outbox.news()

    @override
    def snapshot(self) -> State:
        """The offset up to which everything is known, once all is acknowledged; raises if it will not be."""
        self._outbox.settle()
        fault_point("flushed")
        if self._again:
            old_s = time.time() - SAID_AGAIN_WITHIN_S
            self._again = {id_: at_s for id_, at_s in self._again.items() if at_s > old_s}
        state = (VERSION, self._end, tuple(self._again.items()))
        fault_point("before_seal")
        return state

    @override
    def close(self) -> None:
        """Wait a little for what is on its way; raises nothing, for Bytewax aborts when closing fails."""
        self._outbox.part()

    def _delivered(self, offset: int) -> None:
        self._end = max(self._end, offset + 1)


class KafkaSink(FixedPartitionedSink[OutputRecord, State]):
    """A topic as a sink: ``first`` names its parts and where each ended when the state was new.

    Bytewax takes part ``part_fn(key) % number of parts`` of the names in order: the partition.
    """

    def __init__(self, cluster: Cluster, first: Mapping[str, int], outbox: RecordProducer) -> None:
        self._cluster = cluster
        self._first = first
        self._outbox = outbox
        self._range: tuple[dict[str, int], dict[str, int]] | None = None

    @override
    def list_parts(self) -> list[str]:
        """All partitions of the topic."""
        return sorted(self._first)

    @override
    def part_fn(self, item_key: str) -> int:
        """The hash that spreads keys over partitions."""
        return murmur2(item_key)

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: State | None) -> KafkaSinkPart:
        """A part that knows what was written after its snapshot."""
        if self._range is None:
            self._range = (beginnings(self._cluster, self._first), ends(self._cluster, self._first))
        low, end = self._range[0][for_part], self._range[1][for_part]
        _, start, again = resume_state or (VERSION, self._first[for_part], ())
        if start > end:
            log.warning("%s ends at %d, but %d was written: records were lost there", for_part, end, start)
        found = dict(again)
        if max(start, low) < end:
            found.update(scan_for_resume(self._cluster, place(for_part), max(start, low), end))
        return KafkaSinkPart(for_part, self._outbox, end, found)
