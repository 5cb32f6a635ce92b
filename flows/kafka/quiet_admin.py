"""A client for topics that logs nothing, and knows why no broker answers it."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient
from typing_extensions import override

from flows.kafka.connection_trouble import explained


class QuietAdminClient(AdminClient):
    """An admin client that keeps connection troubles to itself: the other clients log the same ones.

    What it is told again and again is counted, from its errors and from its log, where a connection that
    is hung up on is told of alone; bounded by the kinds of trouble there are.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._troubles: Counter[str] = Counter()
        log = logging.Logger("troubles")  # noqa: LOG001  one of its own, which nobody else has
        log.addHandler(_Told(self._note))
        own: dict[str, Any] = {**config, "error_cb": self._failed}
        super().__init__(own, logger=log)

    def _failed(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own are spelled so
            self._note(error.str())

    def _note(self, reported: str) -> None:
        self._troubles[explained(reported)] += 1

    def trouble(self, error: KafkaError) -> str:
        """Return why a call failed with this error: the most telling trouble, where there was any."""
        self.poll(0)
        return max(self._troubles, key=self._tells, default=error.str())

    def _tells(self, trouble: str) -> tuple[bool, int]:
        """Return how much a trouble tells: first whether it is explained, then how often it came."""
        return "; " in trouble, self._troubles[trouble]


class _Told(logging.Handler):
    """Passes on what librdkafka logs of connections that failed."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self._note = note

    @override
    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith("FAIL "):
            self._note(text)
