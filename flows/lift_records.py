"""The units of each market, from the decisions and rewards that a replay or an export writes."""

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec

from flows.logged_lines import logged_lines

LOST_S: Final = 86_400.0
"""A decision without a reward so long after the end of its window will have none: its state was lost."""

R = TypeVar("R")


class _Decided(msgspec.Struct):
    decision_id: str
    market: str
    at: datetime
    window_ends_at: datetime
    unit_id: str | None
    assignment: Literal["policy", "holdout"] | None
    assigned_at: datetime | None
    holdout_share: float | None
    conflict: bool


class _Rewarded(msgspec.Struct):
    decision_id: str
    kind: Literal["window", "correction"]
    profit: float
    ordered_at: list[datetime]
    order_profits: list[float]


class _Ended(msgspec.Struct):
    market: str
    at: datetime


class ReadUnit:
    """A unit as its records say: when it began, in which group, and what it brought within its time."""

    __slots__ = ("at_s", "began_before", "conflict", "held_out", "ordered", "profit", "share")

    def __init__(self, at_s: float, assigned_s: float, share: float, *, held_out: bool) -> None:
        self.at_s = at_s
        self.began_before = assigned_s < at_s
        self.share = share
        self.held_out = held_out
        self.conflict = False
        self.ordered = False
        self.profit = 0.0


class ReadMarket:
    """The units of one market by id, and how far its records go."""

    def __init__(self) -> None:
        self.units: dict[str, ReadUnit] = {}
        self.lost = 0
        self._latest_s = -math.inf
        self._open: dict[str, tuple[float, float]] = {}

    def saw(self, at: datetime) -> None:
        """Note that the market lived at a time."""
        self._latest_s = max(self._latest_s, at.timestamp())

    def decided(self, record: _Decided) -> ReadUnit | None:
        """Return the unit of a decision, None where there was nothing to choose from."""
        if record.unit_id is None or record.assigned_at is None or record.holdout_share is None:
            return None
        at_s = record.at.timestamp()
        unit = self.units.get(record.unit_id)
        if unit is None:
            held_out = record.assignment == "holdout"
            unit = ReadUnit(at_s, record.assigned_at.timestamp(), record.holdout_share, held_out=held_out)
            self.units[record.unit_id] = unit
        unit.conflict |= record.conflict
        self._open[record.decision_id] = (at_s, record.window_ends_at.timestamp())
        return unit

    def rewarded(self, decision_id: str) -> None:
        """Note that the window of a decision has ended."""
        self._open.pop(decision_id, None)

    def until_s(self) -> float:
        """Return up to when all is known: the earliest decision whose window is open, else the latest record.

        It is the same for both groups, so neither loses those of its units that decide late or long.
        """
        waiting = [at_s for at_s, ends_s in self._open.values() if ends_s + LOST_S >= self._latest_s]
        self.lost = len(self._open) - len(waiting)
        return min([self._latest_s, *waiting])


def read_markets(directory: Path, horizon_s: float) -> dict[str, ReadMarket]:
    """Return the markets of a directory by name, with what each unit brought in its first ``horizon_s``.

    Lines are in order of time, as they are written. Raises SetupError where a file is missing or a line is
    none of this version.
    """
    markets: dict[str, ReadMarket] = {}
    unit_of: dict[str, tuple[ReadMarket, ReadUnit, float]] = {}
    for decided in _lines(directory / "decisions.jsonl", _Decided):
        market = markets.setdefault(decided.market, ReadMarket())
        market.saw(decided.at)
        unit = market.decided(decided)
        if unit is not None:
            unit_of[decided.decision_id] = (market, unit, decided.at.timestamp())
    for rewarded in _lines(directory / "rewards.jsonl", _Rewarded):
        found = unit_of.get(rewarded.decision_id)
        if found is not None:
            market, unit, at_s = found
            _add(unit, rewarded, at_s, horizon_s)
            if rewarded.kind == "window":
                market.rewarded(rewarded.decision_id)
    for ended in _lines(directory / "outcomes.jsonl", _Ended):
        if ended.market in markets:
            markets[ended.market].saw(ended.at)
    return markets


def _add(unit: ReadUnit, reward: _Rewarded, decided_s: float, horizon_s: float) -> None:
    """Add the orders of a reward that fall into the unit's time, and what its decision itself cost."""
    ends_s = unit.at_s + horizon_s
    if decided_s <= ends_s:
        unit.profit += reward.profit - sum(reward.order_profits)
    for ordered_at, profit in zip(reward.ordered_at, reward.order_profits, strict=True):
        if ordered_at.timestamp() <= ends_s:
            unit.ordered = True
            unit.profit += profit


def _lines(path: Path, kind: type[R]) -> Iterator[R]:
    return logged_lines(
        path,
        kind,
        lambda number, error: f"{path}, line {number}: must be a record of this version; got: {error}",
    )
