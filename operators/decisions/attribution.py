"""To which decision an order is attributed: to one at most."""

from collections.abc import Iterator, Sequence

from operators.decisions.ledger import DecisionTerms, Ledger, LedgerEntry, read_entry
from operators.decisions.open_decisions import OpenDecision
from operators.streaming.messages import Order


def attribute(
    order: Order, held: Sequence[OpenDecision], ledger: Ledger, correction_s: float
) -> OpenDecision | LedgerEntry | None:
    """Return the one decision an order is attributed to: the one it names, its cart's, or the latest.

    ``held`` are its buyer's open decisions. A ledger's entry is returned where the window had ended, but not
    the correction period; None where no decision preceded the order.
    """
    happened_s = order.own_s
    windows = [
        each
        for each in held
        if each.terms.at_s < happened_s <= each.terms.window_ends_s and not each.window_ended
    ]
    candidates: list[OpenDecision | LedgerEntry] = [*windows]
    if not windows or order.offers:
        over = _correctable(ledger.of_visitor(order.visitor), held, happened_s, correction_s)
        candidates += [entry for entry in over if not windows or entry.terms.decision in order.offers]
    return max(candidates, key=lambda each: _closeness(order, each.terms), default=None)


def _closeness(order: Order, terms: DecisionTerms) -> tuple[bool, bool, float, str]:
    return terms.decision in order.offers, terms.cart == order.cart, terms.at_s, terms.decision


def _correctable(
    written: Iterator[bytes], held: Sequence[OpenDecision], happened_s: float, correction_s: float
) -> Iterator[LedgerEntry]:
    still_open = {each.terms.decision for each in held if not each.window_ended}
    for entry in map(read_entry, written):
        terms = entry.terms
        if terms.at_s + correction_s < happened_s:
            return
        if terms.at_s < happened_s and terms.had_choice and terms.decision not in still_open:
            yield entry
