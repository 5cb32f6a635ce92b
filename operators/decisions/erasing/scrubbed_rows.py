"""What is left of what is kept by name once somebody was erased, whatever kind of row it is."""

from collections.abc import Callable
from typing import Final

from operators.decisions import consents, identities, order_book
from operators.decisions.consents import consent_left
from operators.decisions.identities import links_left
from operators.decisions.order_book import order_left
from operators.decisions.rules import cooldown
from operators.decisions.rules.cooldown import latest_left
from operators.experiments.assignment import assignment_left
from operators.streaming.erased_people import ErasedPeople

_KINDS: Final[tuple[tuple[str, Callable[[str, bytes, ErasedPeople], bytes | None]], ...]] = (
    ("visitor:", assignment_left),
    ("user:", assignment_left),
    (identities.OF_VISITOR, links_left),
    (identities.OF_USER, links_left),
    (consents.OF_VISITOR, consent_left),
    (consents.OF_USER, consent_left),
    (cooldown.OF_VISITOR, latest_left),
    (order_book.OF_ORDER, lambda _, row, erased: order_left(row, erased)),
)
"""The rows that tell of a person, by what their names begin with."""


def row_left(name: str, row: bytes, erased: ErasedPeople) -> bytes | None:
    """Return a row as it is to be known, the same bytes where it tells of nobody erased; None: not at all."""
    if not (erased.mentioned_in(name.encode()) or erased.mentioned_in(row)):
        return row
    for beginning, left in _KINDS:
        if name.startswith(beginning):
            return left(name, row, erased)
    return row


def names_of(visitor: str) -> tuple[str, ...]:
    """Return the names of the rows that are about a visitor."""
    return (
        f"visitor:{visitor}",
        f"{identities.OF_VISITOR}{visitor}",
        f"{consents.OF_VISITOR}{visitor}",
        f"{cooldown.OF_VISITOR}{visitor}",
    )


def names_of_user(user: str) -> tuple[str, ...]:
    """Return the names of the rows that are about a user."""
    return (
        f"user:{user}",
        f"{identities.OF_USER}{user}",
        f"{consents.OF_USER}{user}",
        f"{cooldown.OF_USER}{user}",
    )
