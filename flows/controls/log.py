"""The topic of controls as its whole history: what every record did, and what is in force now."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from operators.controls.history import ControlHistory, Entry
from operators.controls.in_force import Check, fitting
from schemas.controls import Approval, Change, Consent, Withdrawal, read_control
from schemas.errors import SetupError
from schemas.message import Message
from schemas.shop import Shop

Numbered = Change | Approval | Withdrawal


class Line(NamedTuple):
    """One record of the history: its number, what it did, and why it was refused.

    ``entry`` is None for one that was refused.
    """

    number: int
    outcome: Literal["applied", "proposed", "withdrawn", "refused"]
    record: Numbered
    entry: Entry | None = None
    why: str = ""


class SetBy(NamedTuple):
    """Who set a path that is in force: the version, and the change."""

    version: int
    change: Change


class ControlLog:
    """The history of controls on top of an offers file: all of it, with what was set at each version."""

    def __init__(self, file: Shop, check: Check) -> None:
        self.history = ControlHistory(file, check)
        self.lines: list[Line] = []
        self.unreadable = 0
        self._file = file
        self._check = check
        self._settings: dict[int, dict[str, Any]] = {0: {}}
        self._set_by: dict[str, SetBy] = {}

    def read(self, messages: Iterable[Message]) -> None:
        """Read the next records."""
        for message in messages:
            if message.value is None:
                continue
            try:
                record = read_control(message.value)
            except ValueError:
                self.unreadable += 1
                continue
            if not isinstance(record, Consent):
                self.lines.append(self._taken(record))

    def _taken(self, record: Numbered) -> Line:
        try:
            entry = self.history.take(record)
        except SetupError as error:
            return Line(self.history.number, "refused", record, None, str(error))
        if entry.outcome == "applied":
            self._settings[entry.number] = self.history.settings
            for path, value in entry.change.set.items():
                if value is not None:
                    self._set_by[path] = SetBy(entry.number, entry.change)
        return Line(entry.number, entry.outcome, record, entry)

    def set_by(self, path: str) -> SetBy:
        """Return who set a path that is in force."""
        return self._set_by[path]

    def settings_at(self, version: int) -> Mapping[str, Any]:
        """Return what controls set at a version; SetupError for one that has not been."""
        if not 0 <= version <= self.history.number:
            raise SetupError(f"VERSION must be from 0 to {self.history.number}; got {version}")
        return self._settings[max(each for each in self._settings if each <= version)]

    def shop_at(self, version: int) -> Shop:
        """Return the shop in force at a version; 0 is the offers file alone."""
        return fitting(self._file, self.settings_at(version), self._check).shop
