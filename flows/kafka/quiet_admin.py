"""A client for topics that logs nothing, and knows why no broker answers it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient


class QuietAdminClient(AdminClient):
    """An admin client that keeps connection troubles to itself: the other clients log the same ones.

    What it is told again and again is counted; bounded by the kinds of trouble there are.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._troubles: Counter[str] = Counter()
        quiet: dict[str, Any] = {**config, "log_level": 0, "error_cb": self._note}
        super().__init__(quiet)

    def _note(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own are spelled so
            self._troubles[error.str().partition(" (after ")[0]] += 1

    def trouble(self, error: KafkaError) -> str:
        """Return why a call failed with this error: the most frequent trouble, where there was any."""
        self.poll(0)
        common = self._troubles.most_common(1)
        return common[0][0] if common else error.str()
