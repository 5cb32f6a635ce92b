"""What follows from partitions that were added to the topics that the worker reads."""

import logging
from collections.abc import Mapping

from flows.observability.log_events import LogEvent, tell
from flows.observability.metrics import Metrics
from flows.worker.shutdown import Shutdown

log = logging.getLogger("offerstream")


class UnreadPartitions:
    """Partitions that were added since the start: they are counted, and a concern of each topic.

    Where the worker ``restarts`` for them, they also request that. Bounded by the number of partitions.
    """

    def __init__(self, metrics: Metrics, shutdown: Shutdown, *, restarts: bool) -> None:
        self._metrics = metrics
        self._shutdown = shutdown
        self._restarts = restarts
        self._found: dict[str, list[int]] = {}
        metrics.concerns.watch("partitions", self._concerns)

    def looked(self, added: Mapping[str, list[int]]) -> None:
        """Take the numbers of the added partitions of each topic that its broker told of."""
        self._found = {**self._found, **added}
        for topic, partitions in added.items():
            self._metrics.unread(topic, len(partitions))
        names = in_words(self._found)
        if names and self._restarts and not self._shutdown.is_requested:
            tell(log, LogEvent.PARTITIONS_ADDED, partitions=names)
            self._shutdown.request_restart(f"partitions were added: {names}")

    def _concerns(self) -> dict[str, str]:
        return {
            topic: f"partitions were added that are not read before a restart: {in_words({topic: found})}"
            for topic, found in self._found.items()
            if found
        }


def in_words(partitions: Mapping[str, list[int]]) -> str:
    """Return the partitions of topics for people; partitions without a gap by the first and the last.

    >>> in_words({"shop.feedback": [4], "shop.events": [8, 9, 10], "web": [], "app": [2, 5]})
    'app 2, 5; shop.events 8 to 10; shop.feedback 4'
    """
    return "; ".join(f"{topic} {_numbers(found)}" for topic, found in sorted(partitions.items()) if found)


def _numbers(found: list[int]) -> str:
    first, last = found[0], found[-1]
    if len(found) > 1 and last - first == len(found) - 1:
        return f"{first} to {last}"
    return ", ".join(map(str, found))
