"""How large a record may be, and rejected records cut to fit: one never stops the worker."""

from collections.abc import Mapping
from typing import Final

import msgspec

from flows.kafka.cluster import Cluster
from operators.ingest.rejected_output import rejected_record_of
from operators.streaming.messages import OutputRecord
from schemas.rejected import shrunk, with_cut

CLIENT_BYTES: Final = 1_000_000
"""librdkafka's default of ``message.max.bytes`` and of ``batch.size``."""

BATCH_SHARE: Final = 0.9


class SizeLimits:
    """The greatest size of a record in each topic: what its brokers say, or less if they refused that.

    ``topics`` are those of ``flows.kafka.topics.max_message_bytes``; the client's own limit holds for all.
    """

    def __init__(self, cluster: Cluster, topics: Mapping[str, int]) -> None:
        self.of_client = int(cluster.settings.get("message.max.bytes", CLIENT_BYTES))
        self._of_topics = dict(topics)

    def of(self, topic: str) -> int:
        """Return the limit of a topic."""
        return min(self.of_client, self._of_topics.get(topic, self.of_client))

    def of_batches(self) -> int:
        """Return how large a batch may be for all topics: librdkafka does not split one that is refused."""
        return int(min((CLIENT_BYTES, *self._of_topics.values())) * BATCH_SHARE)

    def lower(self, topic: str, limit: int) -> None:
        """Note that a topic takes no more than this."""
        self._of_topics[topic] = min(limit, self.of(topic))


def size_of(rejected: OutputRecord) -> int:
    """Return the most bytes that a rejected record takes, not compressed."""
    return rejected_record_of(rejected).size_bytes


def cut_to(rejected: OutputRecord, limit: int) -> OutputRecord:
    """Return a rejected record of at most ``limit`` bytes, or of as few as its headers of ours allow."""
    record = rejected_record_of(rejected)
    smaller = shrunk(record, limit)
    if smaller is record:
        return rejected
    return msgspec.structs.replace(
        rejected, value=smaller.value or b"", headers=smaller.headers, own_key=smaller.key
    )


def keyed_by_id(rejected: OutputRecord) -> OutputRecord:
    """Return a rejected record with its id as the key, for a topic that takes none without one."""
    headers = with_cut(rejected.headers, "key")
    return msgspec.structs.replace(rejected, headers=headers, own_key=rejected.id.encode())
