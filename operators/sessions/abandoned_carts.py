"""The carts that were left behind, for as long as an order would be their recovery."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

ABANDONED: Final = 4096
"""A shard remembers this many abandoned carts."""

VisitorKey = tuple[str, str]


class AbandonedCart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A cart that was left behind when its visit ended."""

    market: str
    visitor: str
    cart: str
    at_s: float


class AbandonedCarts:
    """The last abandoned cart of each visitor, the oldest first. Bounded by ``ABANDONED``."""

    __slots__ = ("_carts",)

    def __init__(self, carts: Iterable[AbandonedCart] = ()) -> None:
        self._carts = {(cart.market, cart.visitor): cart for cart in carts}

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._carts)

    def __iter__(self) -> Iterator[AbandonedCart]:
        """Return all of them, the oldest first."""
        return iter(self._carts.values())

    def add(self, cart: AbandonedCart) -> None:
        """Remember a cart in place of the visitor's earlier one."""
        key = (cart.market, cart.visitor)
        self._carts.pop(key, None)
        self._carts[key] = cart
        if len(self._carts) > ABANDONED:
            del self._carts[next(iter(self._carts))]

    def recover(self, key: VisitorKey, happened_s: float, within_s: float) -> AbandonedCart | None:
        """Return and forget the cart that an order of this time recovers, None where there is none."""
        cart = self._carts.get(key)
        if cart is None or happened_s - cart.at_s > within_s:
            return None
        del self._carts[key]
        return cart

    def forget(self, before_s: float) -> bool:
        """Drop the carts left behind before a time; return whether there were any."""
        forgotten = False
        while self._carts:
            key = next(iter(self._carts))
            if self._carts[key].at_s >= before_s:
                break
            del self._carts[key]
            forgotten = True
        return forgotten
