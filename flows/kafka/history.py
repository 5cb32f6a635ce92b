"""A topic read once, from its oldest record to where it ends when the reading begins."""

import time
from collections.abc import Iterator

from confluent_kafka import TopicPartition

from flows.kafka.cluster import Cluster, consumer
from flows.kafka.records import END_OF_PARTITION, consume, message
from flows.kafka.topics import beginnings, ends, parts_of, place
from schemas.errors import SetupError
from schemas.message import Message

AT_ONCE = 1000
SILENT_S = 30.0


def history(cluster: Cluster, topic: str) -> Iterator[list[Message]]:
    """The records of all partitions in batches, in order within a partition.

    Raises SetupError when the topic is not there or the broker goes silent.
    """
    parts = parts_of(cluster, [topic])
    first, last = beginnings(cluster, parts), ends(cluster, parts)
    left = {place(part)[1]: last[part] for part in parts if first[part] < last[part]}
    if not left:
        return
    reader = consumer(cluster)
    try:
        reader.assign([TopicPartition(topic, place(part)[1], first[part]) for part in parts])
        deadline = time.monotonic() + SILENT_S
        while left:
            batch: list[Message] = []
            for record in consume(reader, AT_ONCE, 0.1):
                partition, offset, error = record.partition(), record.offset(), record.error()
                if error is not None and error.code() != END_OF_PARTITION:
                    raise SetupError(f"{topic} cannot be read: {error.str()}")
                if partition not in left:
                    continue
                if error is None and offset < left[partition]:
                    batch.append(message(record, topic, partition))
                    offset += 1
                if offset >= left[partition]:
                    del left[partition]
            if batch:
                deadline = time.monotonic() + SILENT_S
                yield batch
            elif time.monotonic() > deadline:
                raise SetupError(f"{topic} cannot be read: silent for {SILENT_S:.0f} s")
    finally:
        reader.close()
