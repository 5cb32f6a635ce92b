"""Who is logged in: names behind random ids that a cookie carries."""

import secrets
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from flows.live_page.access import Somebody

MOST: Final = 1000
LASTS_S: Final = 12 * 3600.0


class _Session(NamedTuple):
    somebody: Somebody
    ends_s: float


class Sessions:
    """Sessions by id. Bounded by ``MOST``, the oldest go first; each lasts twelve hours."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    def begin(self, somebody: Somebody) -> str:
        """Return the id of a new session."""
        if len(self._sessions) >= MOST:
            del self._sessions[next(iter(self._sessions))]
        session = secrets.token_urlsafe(32)
        self._sessions[session] = _Session(somebody, self._clock() + LASTS_S)
        return session

    def of(self, session: str) -> Somebody | None:
        """Return whose session it is; None for one that is not there, or over."""
        found = self._sessions.get(session)
        if found is not None and found.ends_s < self._clock():
            self.end(session)
            return None
        return None if found is None else found.somebody

    def end(self, session: str) -> None:
        """End a session."""
        self._sessions.pop(session, None)
