"""What follows from changes of the topics that the worker reads."""

from collections.abc import Callable, Mapping
from typing import Final

from flows.kafka.added_partitions import Added, Look
from flows.worker.shutdown import Shutdown
from flows.worker.state_dir import NOT_ITS_OFFSETS, remade
from schemas.errors import BrokerError

LOOKS: Final = 2
"""A topic must be gone in so many looks in a row: a broker that has just started may not know it."""


class TopicChanges:
    """Ends the worker once a topic is gone or made anew, and passes on which partitions were added.

    ``ids`` are those of the topics at the start. Bounded by the number of topics.
    """

    def __init__(self, ids: Mapping[str, str], on_added: Callable[[Added], None], shutdown: Shutdown) -> None:
        self._ids = ids
        self._on_added = on_added
        self._shutdown = shutdown
        self._unknown: dict[str, int] = {}

    def looked(self, look: Look) -> None:
        """Take what the brokers tell."""
        if topics := remade(self._ids, look.ids):
            self._shutdown.fail(
                BrokerError(
                    f"topic {topics[0]} was made anew while it was read: {NOT_ITS_OFFSETS}; bring the old "
                    "one back, or start with a new state directory"
                )
            )
        self._unknown = {topic: self._unknown.get(topic, 0) + 1 for topic in look.unknown}
        for topic, looks in self._unknown.items():
            if looks >= LOOKS:
                self._shutdown.fail(
                    BrokerError(
                        f"topic {topic} does not exist any longer; bring it back, or start with a new state "
                        "directory"
                    )
                )
        self._on_added(look.added)
