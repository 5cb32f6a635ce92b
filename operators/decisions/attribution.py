"""To which decision an order is attributed: to one at most."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from operators.decisions.ledger import (
    DecisionTerms,
    Ledger,
    LedgerEntry,
    cart_name,
    read_entry,
    user_name,
    visitor_name,
)
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.reward import redeems
from operators.streaming.messages import Order


class Buyer(NamedTuple):
    """Whose order it is: the visitors who are one person, and the carts that the order bought."""

    visitors: tuple[str, ...]
    carts: frozenset[str]

    def names(self, order: Order) -> list[str]:
        """Return what the decisions that may have led to an order are found by."""
        names = [visitor_name(each) for each in self.visitors]
        names += [cart_name(each) for each in sorted(self.carts)]
        return names if order.user is None else [*names, user_name(order.user)]


def attribute(
    order: Order, buyer: Buyer, held: Sequence[OpenDecision], ledger: Ledger, correction_s: float
) -> OpenDecision | LedgerEntry | None:
    """Return the one decision an order is attributed to.

    It is the one whose offer the order redeems, else its cart's, else its user's, else the latest. ``held``
    are its buyer's open decisions. A ledger's entry is returned where the window had ended, but not the
    correction period; None where no decision preceded the order.
    """
    happened_s = order.own_s
    windows = [
        each
        for each in held
        if each.terms.at_s < happened_s <= each.terms.window_ends_s and not each.window_ended
    ]
    candidates: list[OpenDecision | LedgerEntry] = [*windows]
    if not windows or order.offers or order.codes:
        still_open = {each.terms.decision for each in held if not each.window_ended}
        candidates += [
            entry
            for entry in _correctable(ledger, buyer.names(order), happened_s, correction_s)
            if entry.terms.decision not in still_open and (not windows or redeems(order, entry.terms))
        ]
    return max(candidates, key=lambda each: _closeness(order, buyer, each.terms), default=None)


def _closeness(order: Order, buyer: Buyer, terms: DecisionTerms) -> tuple[bool, bool, bool, float, str]:
    of_user = order.user is not None and terms.user == order.user
    return redeems(order, terms), terms.cart in buyer.carts, of_user, terms.at_s, terms.decision


def _correctable(
    ledger: Ledger, names: Iterable[str], happened_s: float, correction_s: float
) -> Iterator[LedgerEntry]:
    """Yield the entries of these names that an order of this time may still correct, each once."""
    yielded = set[str]()
    for name in names:
        for entry in map(read_entry, ledger.named(name)):
            terms = entry.terms
            if terms.at_s + correction_s < happened_s:
                break
            if terms.at_s < happened_s and terms.had_choice and terms.decision not in yielded:
                yielded.add(terms.decision)
                yield entry
