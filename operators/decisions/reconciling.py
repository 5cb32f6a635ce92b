"""Decisions that were published after a ledger was copied, put into the copy: none is taken twice then."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from operators.decisions.ledger import Ledger, write_entry
from operators.decisions.published import published_entry
from operators.experiments.assignment import Assignments
from schemas.decisions import decode_decision
from schemas.shop import Market, Offer


class PublishedDecision(NamedTuple):
    """The record of a decision, and that of its offer, None where none was published."""

    decided: bytes
    offered: bytes | None


class NumberedLedger(Ledger, Protocol):
    """A ledger that knows the number of its last entry, -1 where it has none."""

    @property
    def last_seq(self) -> int:
        """The number of the last entry."""


class Reconciled(msgspec.Struct):
    """How many decisions were put into a ledger, and how many it had.

    ``withheld`` are those whose offer was never published, which stays so. ``unknown_arms`` have an arm that
    the offers file no longer has: they cost nothing.
    """

    added: int = 0
    known: int = 0
    withheld: int = 0
    unknown_arms: int = 0


def reconcile(
    ledger: NumberedLedger,
    market: Market,
    offers: Mapping[str, Offer],
    published: Iterable[PublishedDecision],
) -> Reconciled:
    """Put decisions of a market into its ledger as if a process had taken them just before it died.

    A market that resumes recovers them: it counts them for caps, cooldowns and budgets at once, and opens
    them when time comes to them again.
    """
    found = Reconciled()
    assignments = Assignments(market.name, market.holdout, ledger)
    read = [(decode_decision(each.decided), each) for each in published]
    read.sort(key=lambda pair: (pair[0].at.seconds, pair[0].decision_id))
    seq = max(ledger.last_seq, 0)
    for record, each in read:
        if ledger.get(record.decision_id) is not None:
            found.known += 1
            continue
        seq += 1
        entry = published_entry(seq, record, each.decided, each.offered, offers)
        assignments.relearn(record)
        write_entry(ledger, entry)
        found.added += 1
        found.withheld += entry.terms.treated and each.offered is None
        found.unknown_arms += entry.terms.treated and record.arm not in offers
    return found
