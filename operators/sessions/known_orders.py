"""The orders that were read, and the carts they bought: neither counts again."""

from typing import Final

from operators.state.map_table import MapTable
from operators.state.rows import StateRows
from operators.streaming.messages import CART

ORDERS: Final = 16_384
"""A shard remembers this many orders of its visitors, and as many ids of bought carts."""
PASSING: Final = 256
"""It remembers this many ids of carts bought elsewhere, whose events may still come to it."""
BOUGHT_S: Final = 86_400.0
"""For so long an event of a bought cart is not the beginning of another cart."""


class KnownOrders:
    """Orders and bought carts by market and id, the oldest first. Bounded by ``ORDERS`` and ``PASSING``."""

    __slots__ = ("bought", "orders", "passing")

    def __init__(self, rows: StateRows) -> None:
        self.orders = MapTable(rows, b"o", float)
        self.bought = MapTable(rows, b"b", float)
        self.passing = MapTable(rows, b"p", float)

    def holds(self, market: str, order: str) -> bool:
        """Return whether an order was read before."""
        return _key(market, order) in self.orders

    def add(self, market: str, order: str, at_s: float) -> None:
        """Remember an order."""
        _put(self.orders, _key(market, order), at_s, ORDERS)

    def buy(self, market: str, names: tuple[str, ...], at_s: float) -> None:
        """Remember that the cart of one of this shard's visitors, known by these names, was bought."""
        for name in names:
            _put(self.bought, _key(market, name), at_s, ORDERS)

    def pass_by(self, market: str, names: tuple[str, ...], at_s: float) -> None:
        """Remember that a cart was bought that this shard knows nothing of."""
        for name in names:
            if name.startswith(CART) and (key := _key(market, name)) not in self.passing:
                _put(self.passing, key, at_s, PASSING)

    def forget(self, time_s: float) -> None:
        """Drop what is no longer asked for of bought carts."""
        for known in (self.bought, self.passing):
            while len(known) and next(iter(known.values())) < time_s - BOUGHT_S:
                known.drop_first()

    def is_bought(self, market: str, names: tuple[str, ...], at_s: float) -> bool:
        """Return whether a cart known by any of these names was bought within ``BOUGHT_S`` before."""
        for name in names:
            key = _key(market, name)
            bought_s = self.bought.get(key)
            if bought_s is None:
                bought_s = self.passing.get(key)
            if bought_s is not None and at_s <= bought_s + BOUGHT_S:
                return True
        return False


def _key(market: str, name: str) -> str:
    return f"{market}\x1f{name}"


def _put(known: MapTable[float], key: str, at_s: float, limit: int) -> None:
    known.put(key, at_s)
    if len(known) > limit:
        known.drop_first()
