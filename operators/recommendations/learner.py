"""What every learner does: it learns from groups of products, and says what goes with others."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from operators.recommendations.numbering import Numbers

MOST_CANDIDATES: Final = 100
"""A learner names at most so many candidates."""


class Group(NamedTuple):
    """What a visit looked at, or what an order bought: distinct products, the latest last, as of a time.

    ``number`` counts the groups from one on.
    """

    items: Numbers
    at_s: float
    number: int


class Context(NamedTuple):
    """What somebody looked at, or has in the cart: distinct products, the latest last, and when that is.

    ``items`` are those that learners know. ``all_items`` are all of ``skus``: the number of one that is not
    known is its place there, from one on, which is no product's.
    """

    items: Numbers
    at_s: float
    all_items: Numbers
    skus: tuple[str, ...] = ()


class Scores(NamedTuple):
    """Distinct candidates, the best first, and how much speaks for each, more than zero."""

    items: Numbers
    values: NDArray[np.float64]


NOTHING: Final = Scores(np.zeros(0, dtype=np.uint32), np.zeros(0))


class Learner(Protocol):
    """Says which products go with others. ``scores`` and ``anchor`` change nothing."""

    name: str

    def learn(self, group: Group) -> None:
        """Learn that these products were in one visit, or in one order."""

    def forget(self, slot: int) -> None:
        """Forget the product that had this slot: it is another's from now on."""

    def scores(self, context: Context) -> Scores:
        """Return at most ``MOST_CANDIDATES`` products, which may be among those of the context."""

    def anchors(self, context: Context, items: Sequence[int]) -> list[int]:
        """Return for each candidate the product of the context that speaks most for it.

        ``NONE`` where no single one does.
        """


def summed(items: Numbers, values: NDArray[np.float64]) -> Scores:
    """Return the best of candidates that may be named more than once; a tie goes by number."""
    if not len(items):
        return NOTHING
    distinct, places = np.unique(items, return_inverse=True)
    return best(distinct, sums(places, values, len(distinct)))


def sums(places: NDArray[np.intp], values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the sum of the values of each place."""
    return np.bincount(places, weights=values, minlength=count).astype(np.float64, copy=False)


def best(items: Numbers, values: NDArray[np.float64]) -> Scores:
    """Return the best of distinct candidates, of those that anything speaks for; a tie goes by number."""
    order = np.lexsort((items, -values))[:MOST_CANDIDATES]
    order = order[values[order] > 0]
    return Scores(items[order], values[order])


def distinct(items: Sequence[int]) -> Numbers:
    """Return these products once each, by where they stand last.

    >>> distinct([7, 8, 7]).tolist()
    [8, 7]
    """
    last = dict.fromkeys(reversed(items))
    return np.array(list(last)[::-1], dtype=np.uint32)
