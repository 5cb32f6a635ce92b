"""The carts that were left behind, for as long as an order would be their recovery."""

from typing import Final

import msgspec

from operators.sessions.cart_index import CartIndex, Names, VisitorKey, new_names
from operators.state.map_table import MapTable
from operators.state.rows import StateRows

ABANDONED: Final = 16_384
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

    def __init__(self, rows: StateRows) -> None:
        self._carts = MapTable(rows, b"a", AbandonedCart)
        self._index = CartIndex()

    def restored(self) -> None:
        """Find the carts again that a snapshot brought."""
        for cart in self._carts.values():
            self._index.add(cart.key, cart.names)

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._carts)

    def knows(self, market: str, names: Names) -> bool:
        """Return whether any visitor left a cart of these names behind."""
        return self._index.knows(market, names)

    def find(self, market: str, names: Names) -> list[VisitorKey]:
        """Return the visitors who left carts of these names behind."""
        return self._index.find(market, names)

    def add(self, cart: AbandonedCart) -> None:
        """Remember a cart in place of the visitor's earlier one."""
        self._remove(cart.key)
        self._carts.put(_name(cart.key), cart)
        self._index.add(cart.key, cart.names)
        if len(self._carts) > ABANDONED:
            self._remove_first()

    def rename(self, key: VisitorKey, more: Names) -> None:
        """Let the cart that a visitor left behind, if any, be found by more names."""
        cart = self._carts.get(_name(key))
        if cart is not None and (added := new_names(cart.names, more)):
            self._carts.put(_name(key), msgspec.structs.replace(cart, names=cart.names + added))
            self._index.add(key, added)

    def recover(self, key: VisitorKey, happened_s: float, within_s: float) -> AbandonedCart | None:
        """Return and forget the cart that an order of this time recovers, None where there is none."""
        cart = self._carts.get(_name(key))
        if cart is None or happened_s - cart.at_s > within_s:
            return None
        return self._remove(key)

    def forget(self, before_s: float) -> None:
        """Drop the carts left behind before a time; one that got another name since goes with the next."""
        while (cart := next(iter(self._carts.values()), None)) is not None and cart.at_s < before_s:
            self._remove_first()

    def _remove(self, key: VisitorKey) -> AbandonedCart | None:
        cart = self._carts.drop(_name(key))
        if cart is not None:
            self._index.remove(key, cart.names)
        return cart

    def _remove_first(self) -> None:
        cart = self._carts.drop_first()
        self._index.remove(cart.key, cart.names)


def _name(key: VisitorKey) -> str:
    return "\x1f".join(key)
