"""A ledger in which erased persons are hidden at once, and from which they are gone once that is sealed.

What a ledger holds is not rolled back after a crash, but the market is: it comes to the erasure again, and
what it did before that must find what it found. So nothing is taken from the ledger before the epoch of the
erasure is sealed. Until then what is known of the person from after the erasure stands under a name beside
the old one, and takes its place when that goes.
"""

import math
from collections.abc import Iterator
from typing import Final

import msgspec

from operators.decisions.erasing.scrubbed_entries import as_left, is_erased, scrubbed_entry
from operators.decisions.erasing.scrubbed_rows import names_of, names_of_user, row_left
from operators.decisions.ledger import ErasableLedger, encode_entry, read_entry, user_name, visitor_name
from operators.state.rows import RowStore
from operators.streaming.erased_people import Erased, ErasedPeople

APPLY_EVERY: Final = 6
"""The ledger is rewritten at most at every sixth snapshot, for all who were erased until then."""
SWEPT_AT_ONCE: Final = 20_000
"""So many rows are looked at with a snapshot, in which somebody erased may be mentioned."""
BESIDE: Final = "\x1fbeside"
"""What follows the name of a row to make that of the one beside it."""
NAMES_BESIDE: Final = "names beside"
"""Where the names of which there may be a row beside are kept, also beyond a crash."""
_NAMES: Final = msgspec.msgpack.Decoder(list[str])


class ErasureState(msgspec.Struct, array_like=True):
    """Erasures that are not applied yet, and those whose mentions are still looked for."""

    pending: list[Erased] = []
    swept: list[Erased] = []


class ErasingLedger:
    """The ledger of a market without those who were erased. Bounded as the ledger is, and by the erasures.

    Rows that may mention a person are looked through with the snapshots that follow, from the beginning after
    a restart.
    """

    def __init__(self, ledger: ErasableLedger) -> None:
        self._ledger = ledger
        self._state = ErasureState()
        self._hidden = ErasedPeople(())
        self._unsealed = ErasedPeople(())
        self._sealing = 0
        self._snapshots = APPLY_EVERY
        self._cursor: bytes | None = None
        self._sweeping = 0

    @property
    def rows(self) -> RowStore | None:
        """Where the market's state stands beside its snapshots."""
        return self._ledger.rows

    @property
    def is_erasing(self) -> bool:
        """Whether somebody who was erased is still to be removed."""
        return bool(self._hidden)

    def restore(self, state: ErasureState) -> None:
        """Go on with what a snapshot, which is sealed by now, knows of erasures."""
        self._state = state
        self._sealing = len(state.pending)
        self._begin_sweep()
        self._look_again()

    def erase(self, everyone: list[Erased]) -> None:
        """Hide from now on what was known of some people."""
        self._state.pending += everyone
        self._look_again()

    def apply_now(self) -> None:
        """Take from the ledger at once who was erased, where no crash could go back behind it."""
        self._apply(self._state.pending)
        self._state.swept += self._state.pending
        self._state.pending = []
        self._begin_sweep()
        while self._cursor is not None:
            self._sweep()

    def _look_again(self) -> None:
        state = self._state
        self._hidden = ErasedPeople((*state.pending, *state.swept))
        self._unsealed = ErasedPeople(state.pending)

    # What the ledger says

    def get(self, decision_id: str) -> bytes | None:
        """Return the entry of a decision, without its person if that was erased; None if there is none."""
        found = self._ledger.get(decision_id)
        return found if found is None or not self._hidden else as_left(found, self._hidden)

    def put(self, seq: int, decision_id: str, names: tuple[str, ...], at_s: float, entry: bytes) -> None:
        """Write an entry."""
        self._ledger.put(seq, decision_id, names, at_s, entry)

    def after(self, seq: int) -> Iterator[bytes]:
        """Return the entries with a greater sequence number."""
        return self._ledger.after(seq)

    def named(self, name: str) -> Iterator[bytes]:
        """Return the entries of a name that are not of somebody erased, the newest first."""
        found = self._ledger.named(name)
        if not self._hidden:
            return found
        return (each for each in found if not self._is_hidden(each))

    def _is_hidden(self, entry: bytes) -> bool:
        return self._hidden.mentioned_in(entry) and is_erased(read_entry(entry).terms, self._hidden)

    def forget(self, before_s: float) -> int:
        """Drop the entries of before a time."""
        return self._ledger.forget(before_s)

    def recall(self, name: str) -> bytes | None:
        """Return what is known under a name, without those who were erased."""
        if not self._hidden:
            return self._ledger.recall(name)
        if self._unsealed and (beside := self._ledger.recall(name + BESIDE)) is not None:
            return row_left(name, beside, self._hidden)
        found = self._ledger.recall(name)
        return None if found is None else row_left(name, found, self._hidden)

    def remember(self, name: str, at_s: float, what: bytes) -> None:
        """Write what is known under a name."""
        self._ledger.remember(self._place(name) if self._unsealed else name, at_s, what)

    def remember_with_entry(self, name: str, at_s: float, what: bytes) -> None:
        """Write what is known under a name together with the next entry."""
        self._ledger.remember_with_entry(self._place(name) if self._unsealed else name, at_s, what)

    def _place(self, name: str) -> str:
        """Return under which name to write: beside what may still be needed after a crash."""
        found = self._ledger.recall(name)
        if found is None or not _tells_of(self._unsealed, name, found):
            return name
        names = self._names_beside()
        if name not in names:
            self._ledger.remember(NAMES_BESIDE, math.inf, msgspec.msgpack.encode([*names, name]))
        return name + BESIDE

    def _names_beside(self) -> list[str]:
        found = self._ledger.recall(NAMES_BESIDE)
        return [] if found is None else _NAMES.decode(found)

    def forget_identities(self, before_s: float) -> int:
        """Drop what was last written for a time before."""
        return self._ledger.forget_identities(before_s)

    # What goes

    def snapshot(self) -> ErasureState:
        """Return the state; what the snapshot before this one knows is sealed, and applied now and then."""
        self._snapshots += 1
        state = self._state
        if self._sealing and self._snapshots >= APPLY_EVERY:
            self._snapshots = 0
            self._apply(state.pending[: self._sealing])
            state.swept += state.pending[: self._sealing]
            del state.pending[: self._sealing]
            self._begin_sweep()
            self._look_again()
        elif self._cursor is not None:
            self._sweep()
        self._sealing = len(state.pending)
        return ErasureState(list(state.pending), list(state.swept))

    def _apply(self, sealed: list[Erased]) -> None:
        """Take from the ledger what is known of some people by their names."""
        ledger, people = self._ledger, ErasedPeople(sealed)
        names: dict[str, None] = {}
        for each in sealed:
            is_visitor = each.kind == "visitor"
            of_entries = visitor_name(each.who) if is_visitor else user_name(each.who)
            for found in [*ledger.named(of_entries)]:
                entry = read_entry(found)
                if is_erased(entry.terms, people):
                    scrubbed = encode_entry(scrubbed_entry(entry))
                    ledger.rewrite(entry.seq, entry.terms.decision, entry.terms.at_s, scrubbed)
            names |= dict.fromkeys(names_of(each.who) if is_visitor else names_of_user(each.who))
        later = ErasedPeople(self._state.pending[len(sealed) :])
        kept_beside: list[str] = []
        for name in dict.fromkeys((*names, *self._names_beside())):
            beside, found_now = ledger.recall_timed(name + BESIDE), ledger.recall_timed(name)
            if beside is not None and found_now is not None and _tells_of(later, name, found_now[1]):
                kept_beside.append(name)  # a crash would go back behind what put it there
                continue
            if beside is not None:
                found_now = beside
            if found_now is not None:
                at_s, row = found_now
                left = row_left(name, row, people)
                ledger.replace(name, None if left is None else (at_s, left))
            if beside is not None:
                ledger.replace(name + BESIDE, None)
        if self._names_beside():
            ledger.replace(
                NAMES_BESIDE, (math.inf, msgspec.msgpack.encode(kept_beside)) if kept_beside else None
            )
        ledger.erased()

    def _sweep(self) -> None:
        """Look through some more rows for who is mentioned in them."""
        people = ErasedPeople(self._state.swept[: self._sweeping])
        cursor = self._cursor or b""
        self._cursor = self._ledger.sweep(
            cursor, SWEPT_AT_ONCE, lambda name, row: row_left(name, row, people), people.mentioned_in
        )
        if self._cursor is None:
            del self._state.swept[: self._sweeping]
            self._begin_sweep()
            self._look_again()
            self._ledger.erased()

    def _begin_sweep(self) -> None:
        """Begin a round for all who wait for one, unless one is under way."""
        if self._cursor is None and self._state.swept:
            self._cursor, self._sweeping = b"", len(self._state.swept)


def _tells_of(people: ErasedPeople, name: str, row: bytes) -> bool:
    return row_left(name, row, people) != row
