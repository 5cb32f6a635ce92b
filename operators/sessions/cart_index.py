"""Whose cart is meant: visitors by the ids of their carts and checkouts, and by their users."""

from collections.abc import Iterable
from typing import Final

NAMES: Final = 8
"""A cart has at most this many names; the first stay."""

VisitorKey = tuple[str, str]
"""An identity: market and visitor."""

Names = tuple[str, ...]
"""What a cart may be called by: ``cart_names`` and ``user_names``."""


def new_names(names: Names, more: Names) -> Names:
    """Return those of ``more`` that a cart of these names is to be called as well, within the bound."""
    return tuple(each for each in more if each not in names)[: NAMES - len(names)]


class CartIndex:
    """Visitors by the names of their carts. Bounded by the carts in it, each with ``NAMES``."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[VisitorKey, None]] = {}

    def __len__(self) -> int:
        """Return how many names are known."""
        return len(self._found)

    def add(self, key: VisitorKey, names: Iterable[str]) -> None:
        """Make a visitor known by these names, within the visitor's market."""
        for name in names:
            self._found.setdefault((key[0], name), {})[key] = None

    def remove(self, key: VisitorKey, names: Iterable[str]) -> None:
        """Take these names from a visitor."""
        for name in names:
            found = self._found.get((key[0], name))
            if found is not None:
                found.pop(key, None)
                if not found:
                    del self._found[key[0], name]

    def knows(self, market: str, names: Names) -> bool:
        """Return whether any visitor is known by any of these names."""
        found = self._found
        if found:
            for name in names:  # a generator would cost twice as much, in every shard for every order
                if (market, name) in found:
                    return True
        return False

    def find(self, market: str, names: Iterable[str]) -> list[VisitorKey]:
        """Return the visitors known by any of these names, in the order in which they became known.

        >>> index = CartIndex()
        >>> index.add(("default", "ann"), ("cart:c-1", "user:u-1"))
        >>> index.find("default", ("cart:c-2", "user:u-1"))
        [('default', 'ann')]
        """
        if not self._found:
            return []
        return list(dict.fromkeys(key for name in names for key in self._found.get((market, name), ())))
