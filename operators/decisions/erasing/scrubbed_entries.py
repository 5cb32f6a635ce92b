"""An entry of the ledger without the person: what was decided, with which features, and what it cost."""

from typing import Final

import msgspec
from msgspec.structs import replace

from operators.decisions.ledger import DecisionTerms, LedgerEntry, read_entry
from operators.streaming.erased_people import ErasedPeople
from operators.streaming.messages import Moment
from schemas.decisions import decode_decision
from schemas.records import encode

NOBODY: Final = "erased-"
_MOMENTS: Final = msgspec.msgpack.Decoder(Moment)
_ENCODER: Final = msgspec.msgpack.Encoder()


def nobody(decision_id: str) -> str:
    """Return what stands for the visitor and the cart of a decision once its person was erased.

    >>> nobody("0123456789abcdef01234567")
    'erased-0123456789abcdef'
    """
    return NOBODY + decision_id[:16]


def scrubbed_terms(terms: DecisionTerms) -> DecisionTerms:
    """Return the terms of a decision without its person."""
    name = nobody(terms.decision)
    return replace(terms, visitor=name, cart=name, user=None, trace=None, skus=())


def scrubbed_entry(entry: LedgerEntry) -> LedgerEntry:
    """Return an entry without its person: the features stay, by which a later refund is learned exactly."""
    name = nobody(entry.terms.decision)
    record = decode_decision(entry.decided)
    unit = None if record.unit_id is None else f"visitor:{name}"
    decided = replace(record, visitor_id=name, user_id=None, cart_id=name, unit_id=unit)
    moment = _MOMENTS.decode(entry.moment)
    seen = replace(
        moment,
        visitor=name,
        cart=name,
        lines=(),
        user=None,
        session=None,
        timezone=None,
        locale=None,
        cart_url=None,
        trace=None,
    )
    return replace(
        entry,
        terms=scrubbed_terms(entry.terms),
        decided=encode(decided),
        offered=None,
        moment=_ENCODER.encode(seen),
    )


def is_erased(terms: DecisionTerms, erased: ErasedPeople) -> bool:
    """Return whether a decision was taken for somebody who was erased after it."""
    return erased.visitor(terms.visitor, terms.at_s) or erased.user(terms.user, terms.at_s)


def as_left(entry: bytes, erased: ErasedPeople) -> bytes:
    """Return an entry as it is to be known."""
    if not erased.mentioned_in(entry):
        return entry
    read = read_entry(entry)
    return _ENCODER.encode(scrubbed_entry(read)) if is_erased(read.terms, erased) else entry
