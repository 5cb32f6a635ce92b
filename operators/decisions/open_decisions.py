"""The open decisions: by id, by name, and by when something is next to be done about them."""

import math
from collections.abc import Iterator
from itertools import chain
from typing import Final

import msgspec

from operators.decisions.ledger import DecisionTerms, LedgerEntry
from operators.decisions.reward import Earnings
from operators.state.rows import StateRows
from operators.state.set_table import SetTable
from operators.state.struct_table import StructTable
from operators.state.timer_table import TimerTable

NO_TIMER: Final = math.inf


class OpenDecision(msgspec.Struct, array_like=True, gc=False):
    """A decision whose window or offer is open: its terms, and what has come of it so far.

    ``offer_open``: its offer can still be redeemed, expire or be revoked. ``published``: it is known outside,
    and not held any more. ``window_ended``: its reward is learned. ``timer_s`` is when its timer is set for,
    and ``is_indexed`` says whether it is found by its arm and its products.
    """

    terms: DecisionTerms
    earnings: Earnings
    offer_open: bool
    window_ended: bool
    published: bool = True
    timer_s: float = NO_TIMER
    is_indexed: bool = False

    def due_s(self) -> float:
        """Return when something is next to be done: the offer is published or expires, the window ends."""
        terms = self.terms
        window_s = math.inf if self.window_ended else terms.window_ends_s
        if not self.offer_open:
            return window_s
        offer_s = terms.expires_s if self.published else terms.published_s
        return window_s if offer_s is None else min(window_s, offer_s)

    @property
    def is_over(self) -> bool:
        """Whether nothing more can follow from it."""
        return self.window_ended and not self.offer_open


def open_decision(entry: LedgerEntry) -> OpenDecision:
    """Return the open decision that begins with a ledger entry."""
    terms = entry.terms
    return OpenDecision(
        terms,
        Earnings(),
        offer_open=terms.treated,
        window_ended=False,
        published=terms.published_s == terms.at_s,
    )


class OpenSummary(msgspec.Struct, array_like=True):
    """How many decisions are open, the longest any ever was to wait, and how many open offers an arm has."""

    count: int = 0
    longest_s: float = 0.0
    arms: dict[str, int] = {}


class OpenDecisions:
    """The decisions whose window or offer is open, in the rows of their market.

    They are found by name, and as long as their offers are open by arm and by product. Bounded by those taken
    within the longest window and offer: each leaves once its reward is learned and its offer is over. A
    decision that was changed has to be handed to ``changed``.
    """

    __slots__ = ("_decisions", "_named", "_of_arm", "_on_product", "_timers", "summary")

    def __init__(self, rows: StateRows) -> None:
        self.summary = OpenSummary()
        self._decisions = StructTable(rows, b"d", OpenDecision)
        self._named: StructTable[list[str]] = StructTable(rows, b"n", list[str])
        self._on_product = SetTable(rows, b"p")
        self._of_arm = SetTable(rows, b"a")
        self._timers = TimerTable(rows, b"t")

    def __len__(self) -> int:
        """Return how many are open."""
        return self.summary.count

    def get(self, decision_id: str) -> OpenDecision | None:
        """Return a decision, None where it is not open."""
        return self._decisions.get(decision_id)

    def items(self) -> Iterator[tuple[str, OpenDecision]]:
        """Yield all with their ids, which takes the time of reading them."""
        return self._decisions.items()

    def named(self, *names: str) -> tuple[OpenDecision, ...]:
        """Return the decisions of any of these names, each once; of one name in the order of decisions."""
        get = self._named.get
        found = [ids for name in names if (ids := get(name)) is not None]
        if not found:
            return ()
        return tuple([self._open(each) for each in dict.fromkeys(chain.from_iterable(found))])

    def none_waits_before_s(self, before_s: float, now_s: float) -> float:
        """Return a time before which no decision was taken that still waits for its window to end.

        It is at most the given one; windows that ended before ``now_s`` are over.
        """
        return min(before_s, now_s - self.summary.longest_s) if self.summary.count else before_s

    def on_product(self, sku: str) -> tuple[OpenDecision, ...]:
        """Return the decisions whose open offers are on a product, in the order in which they were taken."""
        return self._sorted(self._on_product.members(sku))

    def of_arm(self, arm: str) -> tuple[OpenDecision, ...]:
        """Return the decisions whose open offers are of an arm, in the order in which they were taken."""
        return self._sorted(self._of_arm.members(arm))

    def _sorted(self, ids: list[str]) -> tuple[OpenDecision, ...]:
        return tuple(sorted(map(self._open, ids), key=lambda each: (each.terms.at_s, each.terms.decision)))

    def _open(self, decision_id: str) -> OpenDecision:
        found = self._decisions.get(decision_id)
        if found is None:
            raise LookupError(f"the state has lost the open decision {decision_id}")
        return found

    def add(self, decision: OpenDecision) -> None:
        """Add a decision that was taken."""
        terms, summary = decision.terms, self.summary
        summary.count += 1
        summary.longest_s = max(summary.longest_s, terms.window_ends_s - terms.at_s)
        self._decisions.put(terms.decision, decision)
        for name in terms.names:
            ids = self._named.get(name)
            if ids is None:
                self._named.put(name, [terms.decision])
            else:
                ids.append(terms.decision)
        if decision.offer_open:
            decision.is_indexed = True
            summary.arms[terms.arm] = summary.arms.get(terms.arm, 0) + 1
            self._of_arm.add(terms.arm, terms.decision)
            for sku in terms.skus:
                self._on_product.add(sku, terms.decision)
        self._set_timer(decision, decision.due_s())

    def changed(self, decision: OpenDecision) -> None:
        """Drop a decision that is over; else note when it is next due."""
        terms = decision.terms
        if decision.is_indexed and not decision.offer_open:
            decision.is_indexed = False
            arms = self.summary.arms
            arms[terms.arm] -= 1
            if not arms[terms.arm]:
                del arms[terms.arm]
            self._of_arm.discard(terms.arm, terms.decision)
            for sku in terms.skus:
                self._on_product.discard(sku, terms.decision)
        if not decision.is_over:
            self._set_timer(decision, decision.due_s())
            return
        self._set_timer(decision, NO_TIMER)
        if self._decisions.get(terms.decision) is None:
            return
        self.summary.count -= 1
        self._decisions.drop(terms.decision)
        for name in terms.names:
            ids = self._named.get(name)
            if ids is not None:
                ids.remove(terms.decision)
                if not ids:
                    self._named.drop(name)

    def _set_timer(self, decision: OpenDecision, due_s: float) -> None:
        if due_s == decision.timer_s:
            return
        if decision.timer_s != NO_TIMER:
            self._timers.drop(decision.terms.decision, decision.timer_s)
        if due_s != NO_TIMER:
            self._timers.set(decision.terms.decision, due_s)
        decision.timer_s = due_s

    def has_due(self, before_s: float) -> bool:
        """Return whether one may be due before a time; False: none is."""
        return self._timers.has_due(before_s)

    def due(self, before_s: float) -> Iterator[tuple[float, OpenDecision]]:
        """Yield those due before a time, with when they were due; one changed meanwhile may come again."""
        for due_s, decision_id in self._timers.due(before_s):
            decision = self._open(decision_id)
            decision.timer_s = NO_TIMER
            yield due_s, decision
