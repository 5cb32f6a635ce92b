"""A request to shut down, for good or to be started again, and how long the broker is waited for after it."""

import math
import signal
import time
from collections.abc import Callable

from schemas.errors import OfferstreamError


class Shutdown:
    """A request to shut down: the source sees it before its next batch, then the last snapshot is taken.

    ``grace_s``: for how many seconds after the request a broker that does not answer is still waited for.
    ``restart_reason``: why the worker is to be started again; None where it was asked to end for good.
    ``on_request`` is called once, with the first request. ``failure``: why it cannot go on, raised by the
    source before its next batch, so that nothing more is sealed.
    """

    def __init__(self, grace_s: float = math.inf, on_request: Callable[[], None] = lambda: None) -> None:
        self.is_requested = False
        self.restart_reason: str | None = None
        self.failure: OfferstreamError | None = None
        self._grace_s = grace_s
        self._on_request = on_request
        self._overdue_s = math.inf

    def request(self, *_signal: object) -> None:
        """Ask the worker to shut down for good."""
        self.restart_reason = None
        self._request()

    def request_restart(self, reason: str) -> None:
        """Ask the worker to shut down and be started again, unless it shuts down already."""
        if not self.is_requested:
            self.restart_reason = reason
            self._request()

    def fail(self, failure: OfferstreamError) -> None:
        """Let the worker end with this error, unless it shuts down already."""
        if not self.is_requested and self.failure is None:
            self.failure = failure

    def request_on(self, *signals: signal.Signals) -> None:
        """Let these signals request it."""
        for one in signals:
            signal.signal(one, self.request)

    def _request(self) -> None:
        if not self.is_requested:
            self._overdue_s = time.monotonic() + self._grace_s
            self.is_requested = True
            self._on_request()

    @property
    def is_overdue(self) -> bool:
        """Whether the grace period is over."""
        return time.monotonic() > self._overdue_s
