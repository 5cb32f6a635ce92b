"""The decisions to be adopted: the ledger has them, the state that is gone on from does not know of them."""

from operators.decisions.ledger import Entry


class UnrecoveredDecisions:
    """Entries a process wrote before it died, by decision and by visitor, until time comes to them again.

    Bounded by the decisions taken after the snapshot that is gone on from: a start adds them, nothing else.
    """

    __slots__ = ("_entries", "_of_visitor")

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._of_visitor: dict[str, list[Entry]] = {}

    def __len__(self) -> int:
        """Return how many are still to be adopted."""
        return len(self._entries)

    def decisions(self) -> list[str]:
        """Return the ids of their decisions, in the order in which they were added."""
        return list(self._entries)

    def get(self, decision_id: str) -> Entry | None:
        """Return the entry of a decision, None where it is not to be adopted."""
        return self._entries.get(decision_id)

    def of_visitor(self, visitor: str) -> tuple[Entry, ...]:
        """Return a visitor's entries."""
        return tuple(self._of_visitor.get(visitor, ()))

    def before(self, before_s: float) -> list[Entry]:
        """Return the entries of before a time."""
        return [entry for entry in self._entries.values() if entry.at_s < before_s]

    def add(self, entry: Entry) -> None:
        """Take up an entry that is to be adopted."""
        self._entries[entry.decision] = entry
        self._of_visitor.setdefault(entry.visitor, []).append(entry)

    def remove(self, entry: Entry) -> None:
        """Drop an entry: it is adopted."""
        del self._entries[entry.decision]
        waiting = self._of_visitor[entry.visitor]
        waiting.remove(entry)
        if not waiting:
            del self._of_visitor[entry.visitor]
