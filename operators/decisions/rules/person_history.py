"""What was decided for one person before: the ledger, newest first, no further than is asked for."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from operators.decisions.ledger import DecisionTerms, Ledger, user_name, visitor_name
from operators.decisions.rules.rule import Situation

HELD_S: Final = 90_000.0
"""An offer is held for at most the longest day, so it was decided at most so long before it is published."""
DISORDER_S: Final = 3_600.0
"""By so much a decision in the ledger may be older than the one before it."""
SLACK_S: Final = HELD_S + DISORDER_S
"""By so much earlier than it was published an offer may stand in the ledger."""


class _Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The beginning of a ledger's entry; the rest, most of its bytes, is not decoded."""

    seq: int
    terms: DecisionTerms


_DECODER: Final = msgspec.msgpack.Decoder(_Entry)


class PastOffer(NamedTuple):
    """An offer that was made: its arm, and when it was decided and published."""

    arm: str
    at_s: float
    published_s: float


def past_offer(terms: DecisionTerms) -> PastOffer | None:
    """Return the offer of a decision, None where it made none."""
    if terms.expires_s is None:
        return None
    published_s = terms.at_s if terms.published_s is None else terms.published_s
    return PastOffer(terms.arm, terms.at_s, published_s)


class PersonHistory:
    """The decisions for the visitors and the users who are one person, each once.

    Bounded by those that the ledger has of the person.
    """

    def __init__(self, ledger: Ledger, visitors: Sequence[str], users: Sequence[str]) -> None:
        names = [*map(visitor_name, visitors), *map(user_name, users)]
        self._unread = [map(_DECODER.decode, ledger.named(name)) for name in names]
        self._heads: list[_Entry | None] | None = None
        self._seqs: set[int] = set()
        self._terms: list[DecisionTerms] = []
        self._offers: list[PastOffer] = []

    def decisions(self) -> Iterator[DecisionTerms]:
        """Yield what is known of all decisions, the newest of each visitor first."""
        yield from self._terms
        for at, head in enumerate(self._first()):
            entry = head
            while entry is not None:
                if self._note(entry):
                    yield entry.terms
                entry = self._next(at)

    def offers_since(self, since_s: float) -> list[PastOffer]:
        """Return the offers published at a time or after it, also those still to be published."""
        if not self._first():
            return []
        read_s = since_s - SLACK_S
        for at, head in enumerate(self._first()):
            entry = head
            while entry is not None and entry.terms.at_s >= read_s:
                self._note(entry)
                entry = self._next(at)
        return [offer for offer in self._offers if offer.published_s >= since_s]

    def offers_after(self, after_s: float) -> list[PastOffer]:
        """Return the offers published after a time, also those still to be published."""
        return [offer for offer in self.offers_since(after_s) if offer.published_s > after_s]

    def _first(self) -> list[_Entry | None]:
        if self._heads is None:
            heads = [next(unread, None) for unread in self._unread]
            self._heads = heads if any(heads) else []
        return self._heads

    def _next(self, at: int) -> _Entry | None:
        entry = self._first()[at] = next(self._unread[at], None)
        return entry

    def _note(self, entry: _Entry) -> bool:
        """Note a decision; return whether it was not known by another name yet."""
        if entry.seq in self._seqs:
            return False
        self._seqs.add(entry.seq)
        self._terms.append(entry.terms)
        offer = past_offer(entry.terms)
        if offer is not None:
            self._offers.append(offer)
        return True


class Histories:
    """The history of whoever is decided about now, shared by the rules that ask for it. Bounded by one."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._now: Situation | None = None
        self._history: PersonHistory | None = None

    def of(self, now: Situation) -> PersonHistory:
        """Return what was decided for the person of this moment before."""
        if self._history is None or self._now is not now:
            self._now = now
            self._history = PersonHistory(self.ledger, now.visitors, now.users)
        return self._history
