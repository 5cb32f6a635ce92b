"""The worker's time of day: it follows the machine's clock, but no step of it before the step has lasted."""

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

STEP_S: Final = 1.0
"""Between two readings a clock that is slewed moves less than this beside the time since boot."""
SETTLE_S: Final = 30.0
"""A step that has lasted so long is believed: a clock that is put right again sooner has changed nothing."""
TOLD_S: Final = 600.0
"""For so long a step that was believed is a reason on /healthz."""


def since_boot_s() -> float:
    """Return the seconds since the machine was started, those asleep included; no clock setting moves it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Step(NamedTuple):
    """A step of the machine's clock, and when it was noticed."""

    by_s: float
    noticed_s: float


class SteadyClock:
    """Tells the seconds since 1970 as the machine's clock does, without its steps until they are believed.

    ``on_step`` is called with the seconds of each step that is believed, negative for a clock that was set
    back. Asked from several threads. Bounded: one step is remembered.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = since_boot_s,
        on_step: Callable[[float], None] | None = None,
    ) -> None:
        self.steps = 0
        self._wall = wall
        self._steady = steady
        self._on_step = on_step
        self._lock = threading.Lock()
        self._offset_s = wall() - steady()
        self._noticed: _Step | None = None
        self._believed: _Step | None = None

    def __call__(self) -> float:
        """Return the time of day."""
        believed = None
        with self._lock:
            steady_s = self._steady()
            offset_s = self._wall() - steady_s
            by_s = offset_s - self._offset_s
            if -STEP_S < by_s < STEP_S:
                self._offset_s, self._noticed = offset_s, None
            elif self._noticed is None or abs(self._noticed.by_s - by_s) > STEP_S:
                self._noticed = _Step(by_s, steady_s)
            elif steady_s - self._noticed.noticed_s >= SETTLE_S:
                self._offset_s, self._noticed = offset_s, None
                believed = self._believed = _Step(by_s, steady_s)
                self.steps += 1
            now_s = steady_s + self._offset_s
        if believed is not None and self._on_step is not None:
            self._on_step(believed.by_s)
        return now_s

    def reasons(self) -> dict[str, str]:
        """Return a sentence about a step that was noticed, or that was believed a while ago."""
        noticed, believed = self._noticed, self._believed
        if noticed is not None:
            return {
                "clock": f"the machine's clock was set {in_words(noticed.by_s)}; the worker goes by its own, "
                f"and follows after {SETTLE_S:.0f} s: slew clocks, do not step them"
            }
        if believed is not None and self._steady() - believed.noticed_s < TOLD_S:
            return {
                "clock": f"the machine's clock was set {in_words(believed.by_s)} and the worker has followed"
            }
        return {}


def in_words(by_s: float) -> str:
    """Return a step for people.

    >>> in_words(-40.04), in_words(3600.0)
    ('back by 40.0 s', 'ahead by 3600.0 s')
    """
    return f"{'back' if by_s < 0 else 'ahead'} by {abs(by_s):.1f} s"
