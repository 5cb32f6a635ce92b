"""How late the records of a topic are, by the time that each of them carries."""

import re
import time
from datetime import datetime
from typing import Final

from flows.kafka.cluster import Cluster, create_consumer
from flows.kafka.records import KafkaRecord, consume
from flows.kafka.shared_consumer import PartitionBuffer
from flows.kafka.topics import end_offsets, partitions_of

POLL_LIMIT: Final = 1000
_TIME: Final = re.compile(rb'"time":"([^"]+)"')


class AppendedRecords:
    """The records that are appended to a topic from now on."""

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self._client = create_consumer(cluster, quiet=True)
        first = end_offsets(cluster, partitions_of(cluster, [topic]))
        self._client.assign([PartitionBuffer(name, at).fetch_position() for name, at in first.items()])

    def poll(self) -> list[KafkaRecord]:
        """Return what has arrived since the last poll, without waiting."""
        return consume(self._client, POLL_LIMIT, 0)

    def close(self) -> None:
        """Close the consumer."""
        self._client.close()


class LatencyProbe:
    """Reads the appended records that have a mark, and how late each is by its own time."""

    def __init__(self, cluster: Cluster, topic: str, mark: bytes) -> None:
        self._records = AppendedRecords(cluster, topic)
        self._mark = mark
        self.late_s: list[float] = []

    def poll(self, after_s: float) -> None:
        """Note the records that have arrived and were caused after a time."""
        for record in self._records.poll():
            now_s = time.time()
            value = b"" if record.error() else record.value() or b""
            found = _TIME.search(value)
            if found is not None and self._mark in value:
                at_s = datetime.fromisoformat(found[1].decode()).timestamp()
                if at_s >= after_s:
                    self.late_s.append(now_s - at_s)

    def close(self) -> None:
        """Close the consumer."""
        self._records.close()
