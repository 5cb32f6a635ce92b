"""What an orchestrator asks: whether the process hangs and is to be killed, and whether it does its work."""

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from flows.observability.progress import Progress
from flows.worker.pulse import Pulse
from flows.worker.shutdown import Shutdown

Answer = tuple[bool, dict[str, object]]
"""Whether all is well, and why not, as JSON."""


class Probes(NamedTuple):
    """The answers to ``/livez`` and ``/readyz``.

    ``unassigned`` are the partitions of which no broker has told yet where they end. ``hang_after`` is how
    long the loop may stand still, ``stall_after`` how long the watermark may.
    """

    pulse: Pulse
    progress: Progress
    shutdown: Shutdown
    unassigned: Callable[[], Sequence[str]]
    hang_after: timedelta
    stall_after: timedelta

    def live(self) -> Answer:
        """Return whether the loop turns, which it also does while it waits for a broker.

        Only a process that hangs is helped by being killed. One that restores its state is alive.
        """
        return _answer(_too_long("the loop has not turned", self.pulse.silent_s(), self.hang_after))

    def ready(self) -> Answer:
        """Return whether the state is restored, the partitions are assigned and the watermark moves."""
        if self.shutdown.is_requested:
            return _answer(["it shuts down"])
        if not self.pulse.has_begun:
            return _answer(["the state is being restored"])
        if unassigned := self.unassigned():
            return _answer([f"no broker has told yet where {unassigned[0]} ends"])
        if math.isnan(self.progress.watermark_delay_s()):
            return _answer([f"there is no watermark yet: it waits for {self.progress.slowest()}"])
        stalled_s = self.progress.watermark_stalled_s()
        return _answer(_too_long("the watermark has not moved", stalled_s, self.stall_after))


def _too_long(what: str, silent_s: float, limit: timedelta) -> list[str]:
    limit_s = limit.total_seconds()
    return [f"{what} for {silent_s:.1f} s (limit {limit_s:g} s)"] if silent_s > limit_s else []


def _answer(reasons: Sequence[str]) -> Answer:
    return not reasons, {"status": "failed" if reasons else "ok", "reasons": list(reasons)}
