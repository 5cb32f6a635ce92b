"""What follows from partitions that were added to the topics that the worker reads."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Final

from flows.observability.metrics import Metrics
from flows.worker.shutdown import Shutdown

LOG_EVERY_S: Final = 600.0
log = logging.getLogger("offerstream")


class UnreadPartitions:
    """Partitions that were added since the start: they are counted, logged, and a reason to be degraded.

    Where the worker ``restarts`` for them, the first of them also request it. Otherwise they are logged when
    they change and every ten minutes. Bounded by the number of partitions.
    """

    def __init__(
        self,
        metrics: Metrics,
        shutdown: Shutdown,
        *,
        restarts: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._shutdown = shutdown
        self._restarts = restarts
        self._clock = clock
        self._found: dict[str, list[int]] = {}
        self._logged = ""
        self._log_again_s = -math.inf

    def looked(self, added: Mapping[str, list[int]]) -> None:
        """Take the numbers of the added partitions of each topic that its broker told of."""
        self._found.update(added)
        for topic, partitions in added.items():
            self._metrics.unread(topic, len(partitions))
        names = in_words(self._found)
        reason = f"partitions were added that are not read before a restart: {names}" if names else None
        self._metrics.degraded.report("unread_partitions", reason)
        if names and self._restarts:
            self._restart(names)
        elif names and (names != self._logged or self._clock() >= self._log_again_s):
            log.warning("partitions were added: %s; they are not read until the worker is restarted", names)
            self._logged, self._log_again_s = names, self._clock() + LOG_EVERY_S

    def _restart(self, names: str) -> None:
        if not self._shutdown.is_requested:
            log.warning("partitions were added: %s; ending, to read them after a restart", names)
            self._shutdown.request_restart(f"partitions were added: {names}")


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
