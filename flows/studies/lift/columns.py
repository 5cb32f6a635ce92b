"""The decisions of a market and what they earned, in columns of numbers, and the units that follow."""

from array import array
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flows.studies.lift.records import Decided, Record, Rewarded
from operators.experiments.lift import Units
from operators.experiments.lift.units import Flags, Floats
from schemas.errors import SetupError

LOST_S: Final = 86_400.0
"""A decision without a reward so long after the end of its window will have none: its state was lost."""
HELD_OUT, BEGAN_BEFORE, CONFLICT = 1, 2, 4


class Begun(NamedTuple):
    """All units of a market, and which of them began before its records.

    All is known up to ``until_s``; ``lost`` counts decisions that will have no reward.
    """

    units: Units
    began_before: Flags
    until_s: float
    lost: int


class Columns:
    """What is kept of a market: 41 bytes a decision, 8 a reward, 24 an order or a cost.

    Ids are kept as hashes of 64 bits: that two of a million are taken for one another happens in one log out
    of 30 million.
    """

    def __init__(self) -> None:
        self.decided = False
        self._latest_s = -np.inf
        self._decisions, self._units, self._marks = array("Q"), array("Q"), array("B")
        self._at_s, self._ends_s, self._shares = array("d"), array("d"), array("d")
        self._closed = array("Q")
        self._earners, self._earned_s, self._profits = array("Q"), array("d"), array("d")

    def take(self, record: Record) -> None:
        """Add a record: decisions in the order of their times, the others in any."""
        if isinstance(record, Rewarded):
            self._reward(record)
            return
        self._latest_s = max(self._latest_s, record.at_s)
        if isinstance(record, Decided):
            self.decided = True
            if record.unit_id is not None and record.assigned_at is not None:
                self._decide(record, record.unit_id, began_before=record.assigned_at < record.at)

    def _decide(self, record: Decided, unit: str, *, began_before: bool) -> None:
        if record.holdout_share is None:
            return
        held_out = record.assignment == "holdout"
        self._decisions.append(_hash(record.decision_id))
        self._units.append(_hash(unit))
        self._marks.append(HELD_OUT * held_out | BEGAN_BEFORE * began_before | CONFLICT * record.conflict)
        self._at_s.append(record.at_s)
        self._ends_s.append(record.window_ends_at.timestamp())
        self._shares.append(record.holdout_share)

    def _reward(self, record: Rewarded) -> None:
        decision = _hash(record.decision_id)
        if record.kind == "window":
            self._closed.append(decision)
        itself = record.profit - sum(record.order_profits)
        if itself:
            self._earn(decision, np.nan, itself)
        for ordered_at, profit in zip(record.ordered_at, record.order_profits, strict=True):
            self._earn(decision, ordered_at.timestamp(), profit)

    def _earn(self, decision: int, at_s: float, profit: float) -> None:
        self._earners.append(decision)
        self._earned_s.append(at_s)
        self._profits.append(profit)

    def begun(self, horizon_s: float) -> Begun:
        """Return the units in the order in which they began, with what each brought in its ``horizon_s``.

        Raises SetupError where a decision or the end of its window was recorded twice.
        """
        at_s, marks = np.asarray(self._at_s), np.asarray(self._marks)
        decisions, ended = _Places(self._decisions), _Places(self._closed)
        if decisions.twice or ended.twice:
            raise SetupError(
                "each decision, and the end of its window, must be recorded once; some are twice"
            )
        _, first, unit_of = np.unique(np.asarray(self._units), return_index=True, return_inverse=True)
        starts_s, marked = at_s[first], marks[first]
        earner, known = decisions.of(self._earners)
        earned_s, unit = np.asarray(self._earned_s)[known], unit_of[earner]
        ordered = ~np.isnan(earned_s)
        counts = np.where(ordered, earned_s, at_s[earner]) <= starts_s[unit] + horizon_s
        profits = np.asarray(self._profits)[known]
        units = Units(
            at_s=starts_s,
            held_out=(marked & HELD_OUT) > 0,
            share=np.asarray(self._shares)[first],
            conversion=(np.bincount(unit[counts & ordered], minlength=first.size) > 0).astype(np.float64),
            # of nothing, bincount returns whole numbers
            profit=np.bincount(unit[counts], weights=profits[counts], minlength=first.size).astype(
                np.float64
            ),
            conflict=np.bincount(unit_of[(marks & CONFLICT) > 0], minlength=first.size) > 0,
        )
        order = np.lexsort((first, starts_s))
        until_s, lost = self._until(at_s, ended)
        return Begun(units.select(order), (marked[order] & BEGAN_BEFORE) > 0, until_s, lost)

    def _until(self, at_s: Floats, ended: "_Places") -> tuple[float, int]:
        """Return up to when all is known: the earliest decision whose window is open, else the latest record.

        It is the same for both groups, so neither loses those of its units that decide late or long.
        """
        waiting = ~ended.of(self._decisions)[1]
        lost = waiting & (np.asarray(self._ends_s) + LOST_S < self._latest_s)
        open_s = at_s[waiting & ~lost]
        return min(self._latest_s, float(open_s.min(initial=np.inf))), int(lost.sum())


class _Places:
    """Where each of some ids stands in a column of them."""

    def __init__(self, column: "array[int]") -> None:
        ids = np.asarray(column)
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]
        self.twice = bool((self._sorted[1:] == self._sorted[:-1]).any())

    def of(self, column: "array[int]") -> tuple[NDArray[np.intp], Flags]:
        """Return the places of those ids that are there, and which are."""
        ids = np.asarray(column)
        if not self._sorted.size:
            return np.zeros(0, dtype=np.intp), np.zeros(ids.size, dtype=bool)
        place = np.minimum(np.searchsorted(self._sorted, ids), self._sorted.size - 1)
        known = self._sorted[place] == ids
        return self._order[place[known]], known


def _hash(identity: str) -> int:
    return hash(identity) & 0xFFFF_FFFF_FFFF_FFFF
