"""What a process decided before it died: in the ledger, but unknown to the snapshot it resumes from."""

from collections.abc import Iterable

from operators.decisions.ledger import LedgerEntry


class UnrecoveredDecisions:
    """Entries written after the snapshot, by decision and by name, until time comes to them again.

    Bounded by the decisions taken after the snapshot: a start adds them, nothing else.
    """

    __slots__ = ("_entries", "_named")

    def __init__(self) -> None:
        self._entries: dict[str, LedgerEntry] = {}
        self._named: dict[str, list[LedgerEntry]] = {}

    def __len__(self) -> int:
        """Return how many are still to be recovered."""
        return len(self._entries)

    def decisions(self) -> list[str]:
        """Return the ids of their decisions, in the order in which they were added."""
        return list(self._entries)

    def get(self, decision_id: str) -> LedgerEntry | None:
        """Return the entry of a decision, None where it is not to be recovered."""
        return self._entries.get(decision_id)

    def named(self, names: Iterable[str]) -> list[LedgerEntry]:
        """Return the entries of any of these names, each once."""
        if not self._entries:
            return []
        found = (entry for name in names for entry in self._named.get(name, ()))
        return list({entry.terms.decision: entry for entry in found}.values())

    def on_product(self, sku: str) -> list[LedgerEntry]:
        """Return the entries with an offer on a product."""
        return [entry for entry in self._entries.values() if sku in entry.terms.skus]

    def before(self, before_s: float) -> list[LedgerEntry]:
        """Return the entries of before a time."""
        return [entry for entry in self._entries.values() if entry.terms.at_s < before_s]

    def add(self, entry: LedgerEntry) -> None:
        """Add an entry that is to be recovered."""
        self._entries[entry.terms.decision] = entry
        for name in entry.terms.names:
            self._named.setdefault(name, []).append(entry)

    def remove(self, entry: LedgerEntry) -> None:
        """Drop an entry: it is recovered."""
        del self._entries[entry.terms.decision]
        for name in entry.terms.names:
            waiting = self._named[name]
            waiting.remove(entry)
            if not waiting:
                del self._named[name]
