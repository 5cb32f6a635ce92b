"""The events of one epoch after the other, for shards that are full of visitors already."""

from collections.abc import Sequence
from typing import Final

from operators.sessions.visit import Visit
from operators.streaming.ids import SHARDS, shard_of
from operators.streaming.messages import AnyShopEvent, PageView, ShardBatch

PARTITION: Final = "load/0000"
RATE: Final = 5000.0
EPOCH_S: Final = 10.0
"""Events per second, and seconds of an epoch, between two seals."""


class EpochLoad:
    """Deals page views to all visitors in turn."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        self.visitors = [visit.visitor for visit in visits]
        self._time_s = max(visit.last_s for visit in visits)
        self._events = 0

    def next(self) -> list[ShardBatch]:
        """Return the events of the next epoch and its watermarks, a batch for each shard."""
        self._time_s += EPOCH_S
        events: dict[int, list[AnyShopEvent]] = {shard: [] for shard in range(SHARDS)}
        for _ in range(int(RATE * EPOCH_S)):
            self._events += 1
            visitor = self.visitors[self._events % len(self.visitors)]
            event = PageView(self._time_s, visitor, f"bench-{self._events}", "default")
            events[shard_of(visitor)].append(event)
        return [ShardBatch(shard, PARTITION, tuple(each), self._time_s) for shard, each in events.items()]
