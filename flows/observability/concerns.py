"""What is wrong with what the worker reads though it moves: in the log, on /healthz and as a metric."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from flows.observability.log_events import LogEvent, tell

Reasons = Callable[[], Mapping[str, str]]
"""Returns a sentence for each subject, a topic or a market, that is not as it should be now."""

REPEAT_S: Final = 300.0
"""A reason that lasts is logged again this often: it stays in sight and drowns nothing else."""
LOOK_S: Final = 1.0

log = logging.getLogger("offerstream")


class Concerns:
    """The reasons of everyone who watches something, by what they are about.

    Bounded by the subjects: topics and markets. Asked from the worker's thread and from those of /healthz.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._watched: dict[str, Reasons] = {}
        self._logged_s: dict[tuple[str, str], float] = {}
        self._looked_s = float("-inf")

    def watch(self, about: str, reasons: Reasons) -> None:
        """Ask for reasons about something from here on; ``about`` is a label of the metric."""
        self._watched[about] = reasons

    def by_subject(self) -> dict[tuple[str, str], str]:
        """Return the sentences that hold now, by what they are about and their subject."""
        return {
            (about, subject): sentence
            for about, reasons in self._watched.items()
            for subject, sentence in reasons().items()
        }

    def reasons(self) -> list[str]:
        """Return the sentences that hold now."""
        return list(self.by_subject().values())

    def counts(self) -> dict[str, int]:
        """Return how many subjects there are reasons for, by what they are about."""
        found = dict.fromkeys(self._watched, 0)
        for about, _ in self.by_subject():
            found[about] += 1
        return found

    def log(self) -> None:
        """Log what is new, what lasts and was not logged for a while, and what is over; once a second."""
        now_s = self._clock()
        if now_s < self._looked_s + LOOK_S:
            return
        self._looked_s = now_s
        found = self.by_subject()
        for key, sentence in found.items():
            if now_s >= self._logged_s.get(key, float("-inf")) + REPEAT_S:
                self._logged_s[key] = now_s
                tell(log, LogEvent.DEGRADED, about=key[0], subject=key[1], reason=sentence)
        for key in self._logged_s.keys() - found.keys():
            del self._logged_s[key]
            tell(log, LogEvent.RECOVERED, about=key[0], subject=key[1])
