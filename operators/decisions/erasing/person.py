"""Everybody who is erased with one erasure."""

from typing import NamedTuple

import msgspec

from operators.decisions.ledger import Ledger, read_entry, user_name, visitor_name
from operators.decisions.people import People
from operators.streaming.erased_people import Erased
from operators.streaming.messages import OutputRecord, PersonErased


class ErasedPerson(NamedTuple):
    """The visitors and the users who are erased, and the carts that were decided upon for them."""

    visitors: tuple[str, ...]
    users: tuple[str, ...]
    carts: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """What their decisions are found by."""
        return [*map(visitor_name, self.visitors), *map(user_name, self.users)]

    def at(self, at_s: float) -> list[Erased]:
        """Return that they are erased at a time."""
        visitors = [Erased("visitor", visitor, at_s) for visitor in self.visitors]
        return visitors + [Erased("user", user, at_s) for user in self.users]


def person_of(event: PersonErased, people: People, ledger: Ledger) -> ErasedPerson:
    """Return who is erased: the visitor and the user that are named, and all visitors seen as the user."""
    users = () if event.user is None else (event.user,)
    visitors = dict.fromkeys((event.visitor,) if event.visitor else ())
    carts: dict[str, None] = {}
    if event.user is not None:
        visitors |= dict.fromkeys(people.visitors_of(event.user, event.at_s))
        terms = [read_entry(each).terms for each in ledger.named(user_name(event.user))]
        visitors |= dict.fromkeys(each.visitor for each in terms)
        carts |= dict.fromkeys(each.cart for each in terms)
    for visitor in visitors:
        entries = ledger.named(visitor_name(visitor))
        carts |= dict.fromkeys(read_entry(each).terms.cart for each in entries)
    return ErasedPerson(tuple(visitors), users, tuple(carts))


class ErasureCounts(msgspec.Struct, array_like=True):
    """How many persons were erased, and how many decisions had their windows ended by that."""

    persons: int = 0
    cut_short: int = 0


class Erasing(NamedTuple):
    """What follows from the erasure of a person, and the visitors that are erased."""

    records: list[OutputRecord]
    visitors: tuple[str, ...]
