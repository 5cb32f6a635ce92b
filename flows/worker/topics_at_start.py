"""The topics of the settings, created where they are missing."""

from collections.abc import Collection

from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from flows.settings import Settings
from schemas.errors import SetupError
from schemas.topics import INPUTS


def create_topics(settings: Settings, cluster: Cluster, topics: Collection[str] | None = None) -> None:
    """Create those of the topics that are missing, all of the settings where none are named.

    Raises SetupError as ``ensure_topics`` does, and for one whose records would have no order among them.
    """
    wanted = {name: n for name, n in settings.topic_partitions.items() if topics is None or name in topics}
    counts = ensure_topics(cluster, wanted, compacted=settings.market_topics)
    for row in INPUTS:
        topic = settings.topic_of(row.name)
        if row.partitions is not None and counts.get(topic, row.partitions) != row.partitions:
            raise SetupError(
                f"topic {topic} must have {row.partitions} partition, so that its records have one order; it "
                f"has {counts[topic]}: make it anew, or name another one in the setting `topics`"
            )
