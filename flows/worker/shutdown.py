"""The wish to end, and how long there is for it."""

import math
import signal
import time


class Shutdown:
    """A wish to end: the parts see it before their next batch, then the last snapshot is taken.

    ``within_s``: for how many seconds after the wish a broker that does not answer is still waited for.
    """

    def __init__(self, within_s: float = math.inf) -> None:
        self.asked = False
        self._within_s = within_s
        self._overdue_s = math.inf

    def ask(self, *_signal: object) -> None:
        """Wish it."""
        if not self.asked:
            self._overdue_s = time.monotonic() + self._within_s
        self.asked = True

    def on(self, *signals: signal.Signals) -> None:
        """Let these signals wish it."""
        for one in signals:
            signal.signal(one, self.ask)

    @property
    def is_overdue(self) -> bool:
        """Whether the time given for it is over."""
        return time.monotonic() > self._overdue_s
