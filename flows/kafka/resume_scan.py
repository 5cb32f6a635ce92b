"""The records in an output partition after the last snapshot: written before a crash, and emitted again."""

import time

from flows.kafka.bounded_read import read_ranges
from flows.kafka.cluster import Cluster
from flows.kafka.end_offsets import PartitionId
from flows.kafka.records import headers_of
from flows.worker.fault_points import fault_point
from schemas.message import first_header


def scan_for_resume(cluster: Cluster, partition: PartitionId, start: int, end: int) -> dict[str, float]:
    """Return the ids of the records from ``start`` to before ``end``, each with when it was found.

    Records without a ``ce_id`` header come from other producers and are left out. Raises BrokerError as
    ``read_ranges`` does.
    """
    found: dict[str, float] = {}
    found_s = time.time()
    uncommitted = {"isolation.level": "read_uncommitted", **cluster.settings}
    for batch in read_ranges(cluster._replace(settings=uncommitted), {partition: (start, end)}):
        for record in batch:
            # a rejected message may have a ``ce_id`` of its own behind ours
            if (record_id := first_header(headers_of(record), "ce_id")) is not None:
                found[record_id] = found_s
        fault_point("resume_scan")
    return found
