"""What a worker starts with: its first start, found alone or together with the other processes."""

import time

from flows.cluster.layout import check_whole
from flows.cluster.membership import Member
from flows.cluster.roll_call import Go, StoppedError
from flows.cluster.start import start_together
from flows.kafka.cluster import Cluster
from flows.kafka.topics import beginning_offsets, end_offsets, partitions_of, topic_ids, topic_partition
from flows.settings import Settings
from flows.worker.shutdown import Shutdown
from flows.worker.state_dir import (
    STATE_FORMAT,
    FirstStart,
    TopicOffsets,
    new_erasure_key,
    start_or_resume,
)
from flows.worker.topics_at_start import create_topics
from operators.streaming.ids import SHARDS
from schemas.shop import Shop


def start_alone_or_together(  # noqa: PLR0913  what a start knows
    settings: Settings, shop: Shop, cluster: Cluster, member: Member, shutdown: Shutdown, *, ordered: bool
) -> Go | None:
    """Return what to start with; None where it was asked to stop while it waited for other processes."""
    if not member.addresses:
        check_whole(settings.state)
        first = first_start(settings, shop, cluster)
        return Go(
            run="", readers=dict.fromkeys(first.sources, 0), first=first, disk="", epoch=0, is_new=False
        )
    try:
        return start_together(
            settings,
            member,
            lambda: first_start(settings, shop, cluster),
            lambda: shutdown.is_requested,
            ordered=ordered,
        )
    except StoppedError:
        return None


def first_start(settings: Settings, shop: Shop, cluster: Cluster) -> FirstStart:
    """Return the first start of the state directory, which may be this one; creates missing topics."""
    outputs = tuple(settings.output_topics.values())
    create_topics(settings, cluster)
    inputs = partitions_of(cluster, settings.input_topics)
    beginnings = beginning_offsets(cluster, inputs)
    now = TopicOffsets(
        start=_read_from(settings, beginnings, cluster),
        beginnings=beginnings,
        ends=end_offsets(cluster, partitions_of(cluster, outputs)),
        off=settings.topics_off,
        ids=topic_ids(cluster, (*settings.input_topics, *outputs)),
    )
    new = FirstStart(
        format=STATE_FORMAT,
        started_at_s=time.time(),
        shards=SHARDS,
        markets=tuple(shop.markets),
        sources={},
        sinks={},
        erasure_key=new_erasure_key(),
    )
    return start_or_resume(settings.state, new, now)


def _read_from(settings: Settings, beginnings: dict[str, int], cluster: Cluster) -> dict[str, int]:
    """Return where a first start reads from: topics of markets from their beginning, whatever is set."""
    if settings.begin == "earliest":
        return beginnings
    of_events = [each for each in beginnings if topic_partition(each)[0] not in settings.market_topics]
    return {**beginnings, **end_offsets(cluster, of_events)}
