"""How far each process is, told to all others through the dataflow itself.

A partition must not run far ahead of the slowest, also where another process reads that. The dataflow has no
way back from its end to its beginning, but its processes have: a note is an item for one process, and the end
of its stream there puts it on the board that the source of that process looks at.
"""

import math
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from flows.cluster.membership import Member, slot_of

EVERY_S: Final = 0.1
"""How often a process tells the others how far it is."""


class PaceNote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How far one process is.

    ``slowest_s`` is the least event time of its partitions that are behind (infinity: none is), ``newest_s``
    the greatest it has read. ``is_begun``: it has read what must be read first. ``stops_for``: why all must
    stop and be started again, empty where they are to stop for good, None where they are not to stop.
    """

    process: int
    slowest_s: float
    newest_s: float
    is_begun: bool
    stops_for: str | None = None


class PaceBoard:
    """The latest note of each other process that reads; those that read nothing are waited for by nobody.

    Bounded by the number of processes.
    """

    def __init__(
        self, member: Member, readers: Iterable[int], stop: Callable[[str], object] = lambda _why: None
    ) -> None:
        self.process = member.index
        self.others = frozenset(readers) - {member.index}
        self._stop = stop
        self._notes: dict[int, PaceNote] = {}
        self._noted_s = -math.inf

    @property
    def is_begun(self) -> bool:
        """Whether all others have read what must be read first."""
        return len(self._notes) == len(self.others) and all(one.is_begun for one in self._notes.values())

    @property
    def slowest_s(self) -> float:
        """The least event time of others' partitions that are behind; minus infinity before all are known."""
        if len(self._notes) < len(self.others):
            return -math.inf
        return min((one.slowest_s for one in self._notes.values()), default=math.inf)

    @property
    def newest_s(self) -> float:
        """The greatest event time that others have read."""
        return max((one.newest_s for one in self._notes.values()), default=-math.inf)

    def put(self, note: PaceNote) -> None:
        """Take a note of another process; stop where it says so."""
        if note.process in self.others:
            self._notes[note.process] = note
        if note.stops_for is not None:
            self._stop(note.stops_for)

    def put_all(self, notes: Iterable[PaceNote]) -> None:
        """Take notes of other processes."""
        for note in notes:
            self.put(note)

    def is_due(self) -> bool:
        """Whether there are others, and they are to be told again how far this process is."""
        if not self.others:
            return False
        now_s = time.monotonic()
        if now_s < self._noted_s + EVERY_S:
            return False
        self._noted_s = now_s
        return True


def noted(notes: list[PaceNote], count: int) -> list[tuple[str, PaceNote]]:
    """Return notes, addressed to all other processes; of several of one process the latest."""
    latest = {note.process: note for note in notes}
    return [
        (slot_of(process), note)
        for note in latest.values()
        for process in range(count)
        if process != note.process
    ]
