"""The decisions of a market and what they earned, in columns of numbers, and the units that follow."""

from array import array
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flows.studies.lift.id_index import IdIndex, hashed
from operators.experiments.lift import Units
from operators.experiments.lift.units import Flags, Floats
from schemas.decisions import Decision, Reward
from schemas.errors import DataError
from schemas.rollout import Stage

Places = NDArray[np.intp]

LOST_AFTER_S: Final = 86_400.0
"""A decision without a reward this long after its window will never have one: its state was lost."""
HELD_OUT, BEGAN_BEFORE, CONFLICT, SHADOW, OUTSIDE = 1, 2, 4, 8, 16
DECISION_FIELDS: Final = (
    *("market", "at", "decision_id", "window_ends_at"),
    *("unit_id", "assignment", "assigned_at", "holdout_share", "conflict", "stage", "canary"),
)
REWARD_FIELDS: Final = (
    *("market", "decision_id", "kind", "cause", "profit"),
    *("orders", "ordered_at", "order_profits"),
)
"""What is read of each record."""
ORDERS_OF_CAUSE: Final = {None: 1, "order": 1, "update": 0, "refund": 0, "cancellation": -1}
"""How many orders each order of a reward adds, by what caused the reward; None for the end of a window."""


class LoggedUnits(NamedTuple):
    """All units of a market, and which of them began before its records.

    ``in_shadow`` are units of which all decisions were in shadow; ``outside`` those for whom the rollout
    let not the policy choose when they began: its rule, or nobody outside of a canary. All is known up to
    ``until_s``; ``lost`` counts decisions that will have no reward.
    """

    units: Units
    began_before: Flags
    in_shadow: Flags
    outside: Flags
    until_s: float
    lost: int


class ExperimentColumns:
    """What is kept of a market: 41 bytes a decision, 8 a reward, 25 an order, its revision or a cost.

    Ids are kept as hashes of 64 bits: among a million ids, two have the same hash in one log out of 30
    million.

    Attributes
    ----------
    stage
        The rollout's stage at the latest decision.
    """

    def __init__(self) -> None:
        self.has_decisions = False
        self.stage: Stage = "online"
        self._latest_s = -np.inf
        self._decisions, self._units, self._marks = array("Q"), array("Q"), array("B")
        self._at_s, self._ends_s, self._shares = array("d"), array("d"), array("d")
        self._closed = array("Q")
        self._earners, self._earned_s, self._profits = array("Q"), array("d"), array("d")
        self._orders = array("b")

    def observe_time(self, at_s: float) -> None:
        """Note that the log reaches to this time."""
        self._latest_s = max(self._latest_s, at_s)

    def add_decision(self, decision: Decision) -> None:
        """Add a decision; they come in the order of their times."""
        at_s = decision.at.seconds
        self.has_decisions = True
        self.observe_time(at_s)
        self.stage = decision.stage
        unit, assigned_at, share = decision.unit_id, decision.assigned_at, decision.holdout_share
        if unit is None or assigned_at is None or share is None:
            return
        held_out, began_before = decision.assignment == "holdout", assigned_at.seconds < at_s
        self._decisions.append(hashed(decision.decision_id))
        self._units.append(hashed(unit))
        self._marks.append(
            HELD_OUT * held_out
            | BEGAN_BEFORE * began_before
            | CONFLICT * decision.conflict
            | SHADOW * (decision.stage == "shadow")
            | OUTSIDE * (decision.stage == "rule" or decision.canary is False)
        )
        self._at_s.append(at_s)
        self._ends_s.append(decision.window_ends_at.seconds)
        self._shares.append(share)

    def add_reward(self, reward: Reward) -> None:
        """Add a reward; they come in any order."""
        decision = hashed(reward.decision_id)
        if reward.kind == "window":
            self._closed.append(decision)
        own_profit = reward.profit - sum(reward.order_profits)
        if own_profit:
            self._earn(decision, np.nan, own_profit, 0)
        orders = ORDERS_OF_CAUSE[reward.cause]
        for ordered_at, profit in zip(reward.ordered_at, reward.order_profits, strict=True):
            self._earn(decision, ordered_at.seconds, profit, orders)

    def _earn(self, decision: int, at_s: float, profit: float, orders: int) -> None:
        self._orders.append(orders)
        self._earners.append(decision)
        self._earned_s.append(at_s)
        self._profits.append(profit)

    def units(self, horizon_s: float) -> LoggedUnits:
        """Return the units in the order in which they began, with what each earned within ``horizon_s``.

        In shadow nothing is published, so a unit begins with its first decision that was not in shadow; what
        it earned before does not count. Whoever chose for it then, it stays a unit of that, whatever the
        stage becomes: both groups alike, so that they stay comparable. Raises DataError where a decision or
        the end of its window was recorded twice.
        """
        at_s, marks = np.asarray(self._at_s), np.asarray(self._marks)
        decisions, closed = IdIndex(self._decisions), IdIndex(self._closed)
        if decisions.has_duplicates or closed.has_duplicates:
            raise DataError("each decision, and the end of its window, must be recorded once; some are twice")
        first, earliest, unit_of = self._first(marks)
        starts_s, marked = at_s[first], marks[first]
        earner, known = decisions.places(self._earners)
        earned_s, unit = np.asarray(self._earned_s)[known], unit_of[earner]
        ordered = ~np.isnan(earned_s)
        counting_s = np.where(ordered, earned_s, at_s[earner])
        in_shadow = (marks[earner] & SHADOW) > 0
        counts = (counting_s <= starts_s[unit] + horizon_s) & ~(in_shadow & (counting_s < starts_s[unit]))
        profits = np.asarray(self._profits)[known]
        orders = np.asarray(self._orders)[known]
        units = Units(
            at_s=starts_s,
            held_out=(marked & HELD_OUT) > 0,
            share=np.asarray(self._shares)[first],
            conversion=(np.bincount(unit[counts], weights=orders[counts], minlength=first.size) > 0).astype(
                np.float64
            ),
            # without weights, bincount returns whole numbers
            profit=np.bincount(unit[counts], weights=profits[counts], minlength=first.size).astype(
                np.float64
            ),
            conflict=np.bincount(unit_of[(marks & CONFLICT) > 0], minlength=first.size) > 0,
        )
        order = np.lexsort((first, starts_s))
        until_s, lost = self._until(at_s, closed)
        return LoggedUnits(
            units.select(order),
            (marks[earliest[order]] & BEGAN_BEFORE) > 0,
            (marked[order] & SHADOW) > 0,
            (marked[order] & OUTSIDE) > 0,
            until_s,
            lost,
        )

    def _first(self, marks: NDArray[np.uint8]) -> tuple[Places, Places, Places]:
        """Return the place of each unit's first decision, of its first of all, and each decision's unit.

        The first one is that outside of shadow, where there is one.
        """
        ids = np.asarray(self._units)
        shadow_last = np.argsort((marks & SHADOW) > 0, kind="stable")
        _, first, unit_of = np.unique(ids[shadow_last], return_index=True, return_inverse=True)
        units = np.empty_like(unit_of)
        units[shadow_last] = unit_of
        return shadow_last[first], np.unique(ids, return_index=True)[1], units

    def _until(self, at_s: Floats, closed: IdIndex) -> tuple[float, int]:
        """Return up to when all is known: the earliest decision whose window is open, else the latest record.

        It is the same for both groups, so neither loses those of its units that decide late or long.
        """
        waiting = ~closed.places(self._decisions)[1]
        lost = waiting & (np.asarray(self._ends_s) + LOST_AFTER_S < self._latest_s)
        open_s = at_s[waiting & ~lost]
        return min(self._latest_s, float(open_s.min(initial=np.inf))), int(lost.sum())
