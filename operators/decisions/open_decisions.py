"""The open decisions: by id, by name, and by when something is next to be done about them."""

import math
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from operators.decisions.ledger import DecisionTerms, LedgerEntry
from operators.decisions.reward import Earnings
from operators.streaming.timers import Timers

DISORDER_S: Final = 3_600.0
"""By so much a decision may be older than one that was taken before it."""


class OpenDecision(msgspec.Struct, array_like=True, gc=False):
    """A decision whose window or offer is open: its terms, and what has come of it so far.

    ``offer_open``: its offer can still be redeemed, expire or be revoked. ``published``: it is known outside,
    and not held any more. ``window_ended``: its reward is learned.
    """

    terms: DecisionTerms
    earnings: Earnings
    offer_open: bool
    window_ended: bool
    published: bool = True

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


class OpenDecisions:
    """The decisions whose window or offer is open, in the order in which they were taken.

    They are found by name, and as long as their offers are open by product. Bounded by those taken within the
    longest window and offer: each leaves once its reward is learned and its offer is over. A decision that
    was changed has to be handed to ``changed``.
    """

    __slots__ = ("_decisions", "_named", "_on_product", "_timers")

    def __init__(self, decisions: Iterable[OpenDecision] = ()) -> None:
        self._decisions: dict[str, OpenDecision] = {}
        self._named: dict[str, list[OpenDecision]] = {}
        self._on_product: dict[str, dict[str, OpenDecision]] = {}
        self._timers: Timers[str] = Timers()
        for each in decisions:
            self.add(each)

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._decisions)

    def __iter__(self) -> Iterator[OpenDecision]:
        """Return all of them."""
        return iter(self._decisions.values())

    def get(self, decision_id: str) -> OpenDecision | None:
        """Return a decision, None where it is not open."""
        return self._decisions.get(decision_id)

    def named(self, *names: str) -> tuple[OpenDecision, ...]:
        """Return the decisions of any of these names, each once; of one name in the order of decisions."""
        if len(names) == 1:
            return tuple(self._named.get(names[0], ()))
        found = {each.terms.decision: each for name in names for each in self._named.get(name, ())}
        return tuple(found.values())

    def none_waits_before_s(self, before_s: float) -> float:
        """Return the given time, or when the oldest decision was taken that waits and is older than that.

        A decision waits until its window has ended. Those of an hour around the time are looked at, and what
        is older: times may be so much out of the order of decisions.
        """
        for each in self:
            taken_s = each.terms.at_s
            if taken_s > before_s + DISORDER_S:
                break
            if taken_s < before_s and not each.window_ended:
                before_s = taken_s
        return before_s

    def on_product(self, sku: str) -> tuple[OpenDecision, ...]:
        """Return the decisions whose open offers are on a product, in the order in which they were taken."""
        return tuple(self._on_product.get(sku, {}).values())

    def add(self, decision: OpenDecision) -> None:
        """Add a decision that was taken."""
        terms = decision.terms
        self._decisions[terms.decision] = decision
        for name in terms.names:
            self._named.setdefault(name, []).append(decision)
        if decision.offer_open:
            for sku in terms.skus:
                self._on_product.setdefault(sku, {})[terms.decision] = decision
        self._timers.set(terms.decision, decision.due_s())

    def changed(self, decision: OpenDecision) -> None:
        """Drop a decision that is over; else note when it is next due."""
        terms = decision.terms
        if not decision.offer_open:
            self._drop_products(terms)
        if not decision.is_over:
            self._timers.set(terms.decision, decision.due_s())
            return
        self._timers.drop(terms.decision)
        del self._decisions[terms.decision]
        for name in terms.names:
            named = self._named[name]
            named.remove(decision)
            if not named:
                del self._named[name]

    def _drop_products(self, terms: DecisionTerms) -> None:
        for sku in terms.skus:
            on_product = self._on_product.get(sku)
            if on_product is not None and on_product.pop(terms.decision, None) is not None and not on_product:
                del self._on_product[sku]

    def due(self, before_s: float) -> Iterator[tuple[float, OpenDecision]]:
        """Yield those due before a time, with when they were due; one changed meanwhile may come again."""
        for due_s, decision_id in self._timers.due(before_s):
            yield due_s, self._decisions[decision_id]
