"""The carts that were left behind, for as long as an order would be their recovery."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from operators.sessions.cart_index import CartIndex, Names, VisitorKey, new_names

ABANDONED: Final = 4096
"""A shard remembers this many abandoned carts."""


class AbandonedCart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A cart that was left behind when its visit ended; ``names`` are those of ``CartIndex``."""

    market: str
    visitor: str
    cart: str
    at_s: float
    names: Names = ()

    @property
    def key(self) -> VisitorKey:
        """Whose it is."""
        return self.market, self.visitor


class AbandonedCarts:
    """The last abandoned cart of each visitor, the oldest first. Bounded by ``ABANDONED``."""

    __slots__ = ("_carts", "_index")

    def __init__(self, carts: Iterable[AbandonedCart] = ()) -> None:
        self._carts: dict[VisitorKey, AbandonedCart] = {}
        self._index = CartIndex()
        for cart in carts:
            self.add(cart)

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._carts)

    def __iter__(self) -> Iterator[AbandonedCart]:
        """Return all of them, the oldest first."""
        return iter(self._carts.values())

    def knows(self, market: str, names: Names) -> bool:
        """Return whether any visitor left a cart of these names behind."""
        return self._index.knows(market, names)

    def find(self, market: str, names: Names) -> list[VisitorKey]:
        """Return the visitors who left carts of these names behind."""
        return self._index.find(market, names)

    def add(self, cart: AbandonedCart) -> None:
        """Remember a cart in place of the visitor's earlier one."""
        if cart.key in self._carts:
            self._remove(cart.key)
        self._carts[cart.key] = cart
        self._index.add(cart.key, cart.names)
        if len(self._carts) > ABANDONED:
            self._remove(next(iter(self._carts)))

    def rename(self, key: VisitorKey, more: Names) -> None:
        """Let the cart that a visitor left behind, if any, be found by more names."""
        cart = self._carts.get(key)
        if cart is not None and (added := new_names(cart.names, more)):
            self._carts[key] = msgspec.structs.replace(cart, names=cart.names + added)
            self._index.add(key, added)

    def recover(self, key: VisitorKey, happened_s: float, within_s: float) -> AbandonedCart | None:
        """Return and forget the cart that an order of this time recovers, None where there is none."""
        cart = self._carts.get(key)
        if cart is None or happened_s - cart.at_s > within_s:
            return None
        return self._remove(key)

    def forget(self, before_s: float) -> bool:
        """Drop the carts left behind before a time; return whether there were any."""
        forgotten = False
        while self._carts:
            key = next(iter(self._carts))
            if self._carts[key].at_s >= before_s:
                break
            self._remove(key)
            forgotten = True
        return forgotten

    def _remove(self, key: VisitorKey) -> AbandonedCart:
        cart = self._carts.pop(key)
        self._index.remove(key, cart.names)
        return cart
