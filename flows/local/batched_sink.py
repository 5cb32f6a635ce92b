"""A sink whose records cross the engine together: one item for each partition, not for each record."""

from typing import Any

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from typing_extensions import override

from operators.streaming.messages import OutputRecord

Keyed = tuple[str, OutputRecord]


class Records(list[OutputRecord]):
    """Records of one partition, in their order."""


class BatchedSink(FixedPartitionedSink[list[OutputRecord], Any]):
    """Takes lists of records under the number of their partition, of so many ``partitions`` in all.

    The engine asks for the partition of each item, pickles each that crosses to another process, and that
    twice: of a batch there are as many items as partitions.
    """

    def __init__(self, sink: FixedPartitionedSink[OutputRecord, Any], partitions: int) -> None:
        self.sink = sink
        self.partitions = partitions

    def grouped(self, records: list[Keyed]) -> list[tuple[str, Records]]:
        """Return keyed records by the number of their partition, in their order."""
        groups: dict[int, Records] = {}
        part_fn, count = self.sink.part_fn, self.partitions
        for key, record in records:
            groups.setdefault(part_fn(key) % count, Records()).append(record)
        return [(str(number), group) for number, group in groups.items()]

    @override
    def list_parts(self) -> list[str]:
        """Return the partitions of the sink."""
        return self.sink.list_parts()

    @override
    def part_fn(self, item_key: str) -> int:
        """Return the number that a key is."""
        return int(item_key)

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> "_BatchedPart":
        """Return a partition of the sink."""
        return _BatchedPart(self.sink.build_part(step_id, for_part, resume_state))


class _BatchedPart(StatefulSinkPartition[list[OutputRecord], Any]):
    def __init__(self, partition: StatefulSinkPartition[OutputRecord, Any]) -> None:
        self._partition = partition

    @override
    def write_batch(self, items: list[list[OutputRecord]]) -> None:
        self._partition.write_batch([record for records in items for record in records])

    @override
    def snapshot(self) -> Any:
        return self._partition.snapshot()

    @override
    def close(self) -> None:
        self._partition.close()
