"""The memory of decisions: written before it is published, never changed, not rolled back after a crash."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from operators.experiments.assignment import AssignmentStore
from operators.sessions.features import Features


class Charge(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the chosen offer costs and when: ``when`` is redeemed, bought, shown or decided."""

    when: str = "redeemed"
    share: float = 0.0
    fixed: float = 0.0


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One decision as it was taken, with the very bytes that are published.

    ``group`` is holdout for who gets no offers, else policy. ``treated``: an offer was made.
    ``none_probability`` is the probability, over the holdout and the policy, that none was. ``offered`` is
    the offer.decided record, None where none is published. ``since_s`` is the broker's timestamp of what
    caused the decision.
    """

    seq: int
    decision: str
    moment: str
    at_s: float
    visitor: str
    cart: str
    arm: str
    group: str
    treated: bool
    teaches: bool
    none_probability: float
    window_ends_s: float
    expires_s: float | None
    charge: Charge
    features: Features
    decided: bytes
    offered: bytes | None
    since_s: float | None = None


class Ledger(AssignmentStore, Protocol):
    """Where entries and assignments are kept; one for each market, with one writer."""

    def get(self, decision_id: str) -> bytes | None:
        """Return the entry of a decision, None if it was never taken."""

    def put(self, seq: int, decision_id: str, visitor: str, at_s: float, entry: bytes) -> None:
        """Write an entry, so that it survives the death of the process."""

    def after(self, seq: int) -> Iterator[bytes]:
        """Return the entries with a greater sequence number, in ascending order."""

    def of_visitor(self, visitor: str) -> Iterator[bytes]:
        """Return a visitor's entries, the newest first."""

    def forget(self, before_s: float) -> int:
        """Drop the entries of moments before a time; return how many went."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Entry)


def write(ledger: Ledger, entry: Entry) -> None:
    """Put an entry into a ledger."""
    ledger.put(entry.seq, entry.decision, entry.visitor, entry.at_s, _ENCODER.encode(entry))


def read(entry: bytes) -> Entry:
    """Return the entry that was written as these bytes."""
    return _DECODER.decode(entry)
