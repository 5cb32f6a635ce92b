"""What is reserved of a budget and what is spent, by period: the limit that always holds."""

import math
from collections.abc import Iterator
from typing import Final

import msgspec

from operators.decisions.budgets.money import micros_down
from operators.decisions.budgets.periods import CAMPAIGN, Period, Periods
from operators.state.rows import StateRows
from operators.state.struct_table import StructTable
from operators.state.timer_table import TimerTable
from schemas.limits import Budget

KEPT_S: Final = {"hour": 7 * 86_400.0, "day": 35 * 86_400.0, "campaign": 35 * 86_400.0}
"""For so long after its end it is known what a period has used, to tell what exceeds it."""


class Reservation(msgspec.Struct, array_like=True, gc=False):
    """What is kept of a budget for one offer: the most it can cost, what it has cost, all in millionths.

    ``release_s`` is when the rest is given back, and ``over_s`` when nothing within its window changes its
    cost any more. ``counts`` is what pacing takes it to cost in the end, and ``at_cart`` what it would cost,
    in money, if the cart were bought as it was. ``period``, and its ``number`` in that, are set when it is
    made. ``is_chosen``: pacing knows of it; after a crash it is reserved before that.
    """

    at_s: float
    arm: str
    most: int
    cost: int
    release_s: float
    over_s: float
    counts: int = 0
    is_released: bool = False
    is_ended: bool = False
    period: float = 0.0
    at_cart: float = 0.0
    is_chosen: bool = False
    number: int = 0

    @property
    def final_s(self) -> float:
        """When nothing changes its cost any more, once its rest is given back."""
        return max(self.over_s, self.release_s)

    @property
    def used(self) -> int:
        """What it takes of the budget now."""
        return self.cost if self.is_released else max(self.most, self.cost)


class Totals(msgspec.Struct, array_like=True, gc=False):
    """What offers of one period use of a budget: reserved or spent, spent, expected in the end.

    ``made`` is how many were made, ``chosen`` how many of these pacing knows of, ``held`` how many
    reservations are remembered.
    """

    end_s: float
    used: int = 0
    spent: int = 0
    counts: int = 0
    made: int = 0
    held: int = 0
    chosen: int = 0


class _GivenBack(msgspec.Struct, frozen=True, array_like=True, gc=False):
    at_s: float
    period: float
    amount: int


class AccountState(msgspec.Struct, array_like=True):
    """An account but for its reservations: ``count`` is how many of these there are."""

    by: str
    count: int
    totals: dict[float, Totals]
    overrun: int
    given_back: list[_GivenBack]
    latest_s: float


class Reservations:
    """The reservations of one budget, in the rows of a market: by decision, and by when each is next due.

    ``has_due`` says whether the rest of any may be given back before a time; False: of none.
    """

    def __init__(self, rows: StateRows, budget: str) -> None:
        name = budget.encode() + b"\0"
        self._held = StructTable(rows, b"bh" + name, Reservation)
        self._releases = TimerTable(rows, b"br" + name)
        self.has_due = self._releases.has_due
        self._ends = TimerTable(rows, b"be" + name)
        self.count = 0

    def get(self, decision: str) -> Reservation | None:
        """Return what is reserved for a decision, None where nothing is."""
        return self._held.get(decision)

    def __len__(self) -> int:
        """Return how many there are."""
        return self.count

    def read(self) -> Iterator[tuple[str, Reservation]]:
        """Yield all with their decisions, which takes its time."""
        return self._held.items()

    def add(self, decision: str, held: Reservation) -> None:
        """Add what is reserved for a decision."""
        self.count += 1
        self._held.put(decision, held)
        self._set(decision, held)

    def _set(self, decision: str, held: Reservation) -> None:
        if held.is_released:
            self._ends.set(decision, held.final_s)
        else:
            self._releases.set(decision, held.release_s)

    def move_release(self, decision: str, held: Reservation, release_s: float) -> None:
        """Let the rest be given back at another time."""
        self._releases.drop(decision, held.release_s)
        held.release_s = release_s
        self._releases.set(decision, release_s)

    def released(self, before_s: float) -> Iterator[tuple[str, Reservation]]:
        """Yield those whose rest is given back before a time."""
        for _, decision in self._releases.due(before_s):
            held = self._held.get(decision)
            if held is not None:
                held.is_released = True
                self._ends.set(decision, held.final_s)
                yield decision, held

    def ended(self, before_s: float) -> Iterator[Reservation]:
        """Yield and drop those whose cost is final before a time."""
        for _, decision in self._ends.due(before_s):
            held = self._held.get(decision)
            if held is not None:
                self._drop(decision)
                yield held

    def clear(self) -> None:
        """Drop all."""
        for decision, held in list(self._held.items()):
            if held.is_released:
                self._ends.drop(decision, held.final_s)
            else:
                self._releases.drop(decision, held.release_s)
            self._drop(decision)

    def _drop(self, decision: str) -> None:
        self.count -= 1
        self._held.drop(decision)


class BudgetAccount:
    """The account of one budget.

    Moments of several sources may be read out of order, so what was given back at a time makes room for
    offers of later times alone. Bounded by the offers that are open, in their window or in grace, by the
    periods of ``KEPT_S``, and by what was given back beyond the time of the market. ``overrun`` is what was
    spent beyond the budget, all in all: for offers that were redeemed after their reservation had been given
    back.
    """

    def __init__(self, budget: Budget, periods: Periods, held: Reservations) -> None:
        self.held = held
        self.totals: dict[float, Totals] = {}
        self.overrun = 0
        self._given_back: list[_GivenBack] = []
        self._given_back_s = -math.inf
        self._latest_s = -math.inf
        self._by: str = budget.by
        self.configure(budget, periods)

    def configure(self, budget: Budget, periods: Periods) -> None:
        """Take up what the budget is from now on. Of new kinds of periods, only what is held is known."""
        self.budget = budget
        self.periods = periods
        self.limit = None if budget.amount is None else micros_down(budget.amount)
        if budget.by != self._by:
            self._by, self.totals = budget.by, {}
            for _, held in self.held.read():
                self._regroup(held)
        campaign = self.totals.get(CAMPAIGN) if budget.by == "campaign" else None
        if campaign is not None:
            start_s, end_s = periods.campaign()
            if campaign.end_s <= start_s:
                del self.totals[CAMPAIGN]
            else:
                campaign.end_s = end_s

    def has_room(self, at_s: float, most: int) -> bool:
        """Return whether an offer made at a time, which costs so much at most, keeps within the budget."""
        period = self.periods.at(at_s)
        if period is None:
            return False
        totals = self.totals.get(period.key)
        used, made = (0, 0) if totals is None else (totals.used, totals.made)
        if at_s <= self._given_back_s:
            later = (each for each in self._given_back if each.at_s >= at_s and each.period == period.key)
            used += sum(each.amount for each in later)
        if self.limit is not None and used + most > self.limit:
            return False
        return self.budget.number is None or made < self.budget.number

    def reserve(self, decision: str, reservation: Reservation) -> None:
        """Reserve for an offer that was made, once; not for one of before or after a campaign."""
        period = self.periods.at(reservation.at_s)
        if period is None or self.held.get(decision) is not None:
            return
        totals = self.totals.get(period.key)
        if totals is None:
            totals = self.totals[period.key] = Totals(period.end_s)
        reservation.period, reservation.number = period.key, totals.made
        self.held.add(decision, reservation)
        totals.used += reservation.used
        totals.spent += reservation.cost
        totals.made += 1
        totals.held += 1

    def choose(self, decision: str) -> None:
        """Let pacing know of an offer that was made."""
        held = self.held.get(decision)
        if held is not None and not held.is_chosen:
            held.is_chosen = True
            totals = self.totals.get(held.period)
            if totals is not None:
                totals.chosen += 1

    def expect(self, decision: str, counts: int, at_cart: float) -> None:
        """Note what an offer is expected to cost in the end, and what it would cost at its cart."""
        held = self.held.get(decision)
        if held is not None and not held.is_released:
            held.at_cart = at_cart
            self._count(held, counts)

    def settle(self, decision: str, cost: int) -> int:
        """Note what an offer has cost by now; return by how much that has changed."""
        held = self.held.get(decision)
        if held is None or cost == held.cost:
            return 0
        change, used = cost - held.cost, held.used
        held.cost = cost
        self._give_back(self._latest_s, held.period, used - held.used)
        self._spend(self.totals.get(held.period), change, held.used - used)
        if held.is_released:
            self._count(held, cost)
        return change

    def spend_late(self, decision: str, at_s: float, change: int) -> None:
        """Note that the cost of an offer, made at a time, has changed after its window."""
        held = self.held.get(decision)
        if held is not None:
            self.settle(decision, held.cost + change)
            return
        period = self.periods.at(at_s)
        if period is not None:
            self._give_back(self._latest_s, period.key, -change)
        self._spend(None if period is None else self.totals.get(period.key), change, change)

    def end(self, decision: str, release_s: float) -> Reservation | None:
        """Note that an offer is over and when its rest is given back; return what was reserved, once."""
        held = self.held.get(decision)
        if held is None or held.is_ended:
            return None
        held.is_ended = True
        if not held.is_released:
            self.held.move_release(decision, held, release_s)
            totals = self.totals.get(held.period)
            is_back = totals is not None and release_s < totals.end_s
            self._count(held, held.cost if is_back else max(held.most, held.cost))
        return held

    def release(self, at_s: float) -> None:
        """Give back what is due before a time."""
        self._latest_s = max(self._latest_s, at_s)
        if not self.held.has_due(at_s):
            return
        for _, held in self.held.released(at_s):
            rest = max(held.most - held.cost, 0)
            self._give_back(held.release_s, held.period, rest)
            totals = self.totals.get(held.period)
            if totals is not None:
                totals.used -= rest
            self._count(held, held.cost)

    def forget(self, time_s: float) -> None:
        """Drop the offers whose cost is final, and the periods that are long over."""
        self.release(time_s)
        if self._given_back:
            self._given_back = [each for each in self._given_back if each.at_s >= time_s]
        for held in self.held.ended(time_s):
            totals = self.totals.get(held.period)
            if totals is not None:
                totals.held -= 1
        while self.totals:  # the oldest period comes first
            key, totals = next(iter(self.totals.items()))
            if totals.held or totals.end_s >= time_s - KEPT_S[self._by]:
                break
            del self.totals[key]

    def beyond(self) -> Iterator[str]:
        """Yield the open offers, the newest first, without which no period exceeds a lowered budget.

        What is still kept for offers that have ended will be given back.
        """
        if self.limit is None:
            return
        too_much = {key: totals.used - self.limit for key, totals in self.totals.items()}
        if max(too_much.values(), default=0) <= 0:
            return
        everything = sorted(self.held.read(), key=lambda item: (item[1].at_s, item[1].number), reverse=True)
        for _, held in everything:
            if held.is_ended:
                too_much[held.period] -= held.used - held.cost
        for decision, held in everything:
            if not held.is_ended and held.used > held.cost and too_much[held.period] > 0:
                too_much[held.period] -= held.used - held.cost
                yield decision

    def totals_of(self, period: Period) -> Totals:
        """Return the totals of a period."""
        return self.totals.get(period.key, Totals(period.end_s))

    def _give_back(self, at_s: float, period: float, amount: int) -> None:
        if amount > 0:
            self._given_back_s = max(self._given_back_s, at_s)
            self._given_back.append(_GivenBack(at_s, period, amount))

    def _spend(self, totals: Totals | None, spent: int, used: int) -> None:
        """Count what was spent, and what of it exceeds the budget, unless the period is forgotten."""
        if totals is None:
            return
        totals.spent += spent
        totals.used += used
        if self.limit is not None and used > 0:
            self.overrun += max(min(used, totals.used - self.limit), 0)

    def _count(self, held: Reservation, counts: int) -> None:
        totals = self.totals.get(held.period)
        if totals is not None:
            totals.counts += counts - held.counts
        held.counts = counts

    def _regroup(self, held: Reservation) -> None:
        period = self.periods.at(held.at_s)
        if period is not None:
            held.period = period.key
            totals = self.totals.setdefault(period.key, Totals(period.end_s))
            totals.used, totals.spent = totals.used + held.used, totals.spent + held.cost
            totals.counts, totals.made = totals.counts + held.counts, totals.made + 1
            totals.held += 1
            totals.chosen += held.is_chosen

    def state(self) -> AccountState:
        """Return everything but the reservations."""
        count, given_back = self.held.count, self._given_back
        return AccountState(self._by, count, self.totals, self.overrun, given_back, self._latest_s)

    def restore(self, was: AccountState) -> None:
        """Take up what was written down."""
        self._by, self.held.count, self.totals, self.overrun = was.by, was.count, was.totals, was.overrun
        self._given_back, self._latest_s = was.given_back, was.latest_s
        self._given_back_s = max((each.at_s for each in was.given_back), default=-math.inf)
        self.configure(self.budget, self.periods)
