"""The ledger in memory, for runs without a state directory: replays and tests."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from flows.stores.assignments import MemoryAssignments
from operators.state.rows import RowStore


def check_is_newest(seq: int, last: int) -> None:
    """Raise ValueError unless an entry comes after the last one in the ledger: entries never change."""
    if seq <= last:
        raise ValueError(f"seq must be greater than {last}, the last one in the ledger; got {seq}")


class _Row(NamedTuple):
    decision_id: str
    names: tuple[str, ...]
    entry: bytes


class MemoryLedger(MemoryAssignments):
    """The decisions of one market for one run.

    Bounded by what was written since the times that the caller last passed to ``forget`` and
    ``forget_identities``.
    """

    def __init__(self, rows: RowStore | None = None) -> None:
        super().__init__()
        self.rows = rows
        self._rows: dict[int, _Row] = {}
        self._seqs: dict[str, int] = {}
        self._named: dict[str, list[int]] = {}
        self._last_seq = -1
        self._by_age: list[tuple[float, int]] = []

    @property
    def last_seq(self) -> int:
        """The number of the last entry, -1 where there is none."""
        return self._last_seq

    def get(self, decision_id: str) -> bytes | None:
        """Return the entry of a decision, None if there is none."""
        seq = self._seqs.get(decision_id)
        return None if seq is None else self._rows[seq].entry

    def put(self, seq: int, decision_id: str, names: tuple[str, ...], at_s: float, entry: bytes) -> None:
        """Keep one entry; ValueError unless ``seq`` is the greatest yet."""
        check_is_newest(seq, self._last_seq)
        self._rows[seq] = _Row(decision_id, names, entry)
        self._seqs[decision_id] = seq
        for name in names:
            self._named.setdefault(name, []).append(seq)
        self._last_seq = seq
        heappush(self._by_age, (at_s, seq))

    def after(self, seq: int) -> Iterator[bytes]:
        """Return the entries after a sequence number, oldest first."""
        return iter([row.entry for at, row in self._rows.items() if at > seq])

    def named(self, name: str) -> Iterator[bytes]:
        """Return the entries of a name, newest first."""
        return iter([self._rows[seq].entry for seq in reversed(self._named.get(name, []))])

    def forget(self, before_s: float) -> int:
        """Delete entries older than ``before_s``; return how many."""
        forgotten = 0
        while self._by_age and self._by_age[0][0] < before_s:
            _, seq = heappop(self._by_age)
            row = self._rows.pop(seq)
            del self._seqs[row.decision_id]
            for name in row.names:
                named = self._named[name]
                named.remove(seq)
                if not named:
                    del self._named[name]
            forgotten += 1
        return forgotten

    def rewrite(self, seq: int, decision_id: str, at_s: float, entry: bytes) -> None:
        """Keep an entry in place of another, to be found by its decision alone."""
        del at_s
        for name in self._rows[seq].names:
            named = self._named[name]
            named.remove(seq)
            if not named:
                del self._named[name]
        self._rows[seq] = _Row(decision_id, (), entry)

    def erased(self) -> None:
        """Nothing is on a disk."""

    def close(self) -> None:
        """Nothing is open."""
