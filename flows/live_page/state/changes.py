"""What people have changed by controls, and in which markets the worker has put it in force."""

from collections import deque
from typing import Final, Literal

import msgspec

from operators.controls.history import ControlHistory
from operators.controls.in_force import Check
from schemas.controls import Approval, Change, Consent, Withdrawal, read_control
from schemas.decisions import ControlApplied
from schemas.errors import SetupError
from schemas.message import Message
from schemas.shop import Shop

KEPT: Final = 50

Outcome = Literal["applied", "proposed", "withdrawn", "refused"]


class ChangeSeen(msgspec.Struct):
    """A record of the controls: its number, what it did, and by market when the worker had it in force."""

    number: int
    change_id: str
    by: str
    at_s: float
    outcome: Outcome
    set: dict[str, object]
    comment: str | None = None
    why: str = ""
    applied: dict[str, ControlApplied] = {}


class Changes:
    """The history of controls as the worker reads it. Bounded by ``KEPT`` and as ``ControlHistory`` is."""

    def __init__(self, file: Shop, check: Check) -> None:
        self.file = file
        self.history = ControlHistory(file, check)
        self._seen: deque[ChangeSeen] = deque(maxlen=KEPT)
        self._applied: deque[ControlApplied] = deque(maxlen=KEPT)

    def add(self, message: Message) -> None:
        """Add a record of the controls topic; what is no control was rejected by the worker too."""
        if message.value is None:
            return
        try:
            record = read_control(message.value)
        except ValueError:
            return
        if not isinstance(record, Consent):
            self._seen.append(self._taken(record))

    def add_applied(self, applied: ControlApplied) -> None:
        """Add what the worker says is in force."""
        self._applied.append(applied)

    def latest(self, count: int = KEPT) -> list[ChangeSeen]:
        """Return the latest records, the newest first, each with the markets in which it is in force."""
        by_version: dict[int, dict[str, ControlApplied]] = {}
        for applied in self._applied:
            by_version.setdefault(applied.version, {})[applied.market] = applied
        found = [
            msgspec.structs.replace(each, applied=by_version.get(each.number, {})) for each in self._seen
        ]
        return found[::-1][:count]

    def _taken(self, record: Change | Approval | Withdrawal) -> ChangeSeen:
        about = record.id if isinstance(record, Change) else record.change
        made = {"by": record.by, "at_s": record.at.timestamp(), "comment": record.comment}
        try:
            entry = self.history.take(record)
        except SetupError as error:
            set_ = dict(record.set) if isinstance(record, Change) else {}
            return ChangeSeen(self.history.number, about, outcome="refused", set=set_, why=str(error), **made)  # type: ignore[arg-type]
        return ChangeSeen(entry.number, about, outcome=entry.outcome, set=dict(entry.change.set), **made)  # type: ignore[arg-type]
