"""A request to shut down, and how long the worker may still wait for the broker after it."""

import math
import signal
import time


class Shutdown:
    """A request to shut down: the source sees it before its next batch, then the last snapshot is taken.

    ``grace_s``: for how many seconds after the request a broker that does not answer is still waited for.
    """

    def __init__(self, grace_s: float = math.inf) -> None:
        self.is_requested = False
        self._grace_s = grace_s
        self._overdue_s = math.inf

    def request(self, *_signal: object) -> None:
        """Ask the worker to shut down."""
        if not self.is_requested:
            self._overdue_s = time.monotonic() + self._grace_s
        self.is_requested = True

    def request_on(self, *signals: signal.Signals) -> None:
        """Let these signals request it."""
        for one in signals:
            signal.signal(one, self.request)

    @property
    def is_overdue(self) -> bool:
        """Whether the grace period is over."""
        return time.monotonic() > self._overdue_s
