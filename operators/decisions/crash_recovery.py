"""What a process decided before it died: in the ledger, but unknown to the snapshot it resumes from."""

from collections.abc import Sequence

from operators.decisions.ledger import LedgerEntry


class UnrecoveredDecisions:
    """Entries written after the snapshot, by decision and by visitor, until time comes to them again.

    Bounded by the decisions taken after the snapshot: a start adds them, nothing else.
    """

    __slots__ = ("_entries", "_of_visitor")

    def __init__(self) -> None:
        self._entries: dict[str, LedgerEntry] = {}
        self._of_visitor: dict[str, list[LedgerEntry]] = {}

    def __len__(self) -> int:
        """Return how many are still to be recovered."""
        return len(self._entries)

    def decisions(self) -> list[str]:
        """Return the ids of their decisions, in the order in which they were added."""
        return list(self._entries)

    def get(self, decision_id: str) -> LedgerEntry | None:
        """Return the entry of a decision, None where it is not to be recovered."""
        return self._entries.get(decision_id)

    def of_visitors(self, visitors: Sequence[str]) -> list[LedgerEntry]:
        """Return the entries of these visitors."""
        if not self._entries:
            return []
        return [entry for visitor in visitors for entry in self._of_visitor.get(visitor, ())]

    def on_product(self, sku: str) -> list[LedgerEntry]:
        """Return the entries with an offer on a product."""
        return [entry for entry in self._entries.values() if sku in entry.terms.skus]

    def before(self, before_s: float) -> list[LedgerEntry]:
        """Return the entries of before a time."""
        return [entry for entry in self._entries.values() if entry.terms.at_s < before_s]

    def add(self, entry: LedgerEntry) -> None:
        """Add an entry that is to be recovered."""
        self._entries[entry.terms.decision] = entry
        self._of_visitor.setdefault(entry.terms.visitor, []).append(entry)

    def remove(self, entry: LedgerEntry) -> None:
        """Drop an entry: it is recovered."""
        visitor = entry.terms.visitor
        del self._entries[entry.terms.decision]
        waiting = self._of_visitor[visitor]
        waiting.remove(entry)
        if not waiting:
            del self._of_visitor[visitor]
