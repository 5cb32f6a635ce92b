"""What stands in a topic's partition after the last snapshot: written before a crash, to be said again."""

import time

from confluent_kafka import TopicPartition

from flows.kafka.cluster import Cluster, consumer
from flows.kafka.records import END_OF_PARTITION, consume
from flows.kafka.topics import part_name
from flows.worker.fault_points import fault_point
from schemas.errors import SetupError

SILENT_S = 30.0


def scan_for_resume(cluster: Cluster, place: tuple[str, int], start: int, end: int) -> dict[str, float]:
    """The ids of the records from ``start`` to before ``end``, each with its timestamp in seconds.

    Records without a ``ce_id`` header are somebody else's. Raises SetupError when the broker goes silent.
    """
    found: dict[str, float] = {}
    reader = consumer(cluster._replace(settings={"isolation.level": "read_uncommitted", **cluster.settings}))
    reader.assign([TopicPartition(*place, start)])
    deadline = time.monotonic() + SILENT_S
    reached = start
    while reached < end:
        records = consume(reader, 1000, 0.1)
        for record in records:
            error = record.error()
            if error is None:
                reached = record.offset() + 1
                for name, value in record.headers() or ():
                    if name == "ce_id":
                        found[value.decode()] = record.timestamp()[1] / 1000
            elif error.code() == END_OF_PARTITION:
                reached = max(reached, record.offset())
            else:
                raise SetupError(f"{part_name(*place)} cannot be read back: {error.str()}")
        fault_point("tail_read")
        if records:
            deadline = time.monotonic() + SILENT_S
        elif time.monotonic() > deadline:
            raise SetupError(f"{part_name(*place)} cannot be read back: silent for {SILENT_S:.0f} s")
    reader.close()
    return found
