"""Whether the loop turns: the worker's thread passes here on every round, and while it waits for a broker."""

import time
from collections.abc import Callable


class Pulse:
    """When the loop last came by. It is read from other threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beaten_s: float | None = None

    def beat(self) -> None:
        """Note that the loop came by just now."""
        self._beaten_s = self._clock()

    @property
    def has_begun(self) -> bool:
        """Whether the loop has come by at all: before, the state is restored."""
        return self._beaten_s is not None

    def silent_s(self) -> float:
        """Return the seconds since the loop came by, 0 before it did."""
        return 0.0 if self._beaten_s is None else self._clock() - self._beaten_s
