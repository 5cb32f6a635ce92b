"""Whether orders meet what the market knows: by which keys those came that did not."""

from typing import Final, Literal, get_args

import msgspec

from operators.streaming.messages import OrderEvent

OrderKey = Literal["visitor", "user", "cart", "checkout", "code", "offer"]
ORDER_KEYS: Final[tuple[OrderKey, ...]] = get_args(OrderKey)
"""What an order may carry to say whose it is."""

ORDER_FIGURES: Final = (
    "orders_seen",
    "orders_unattributed_share",
    *(f"unattributed_with_{key}" for key in ORDER_KEYS),
)
"""The figures of ``OrderJoins``."""

MEMORY: Final = 500.0
"""Shares are over about this many orders; older ones fade."""
ENOUGH: Final = 20
"""Shares are emitted only from this many orders on; of fewer, a share says little."""


def keys_of(order: OrderEvent) -> tuple[OrderKey, ...]:
    """Return the keys that an order carries; a visitor that is only its user again is none.

    >>> from operators.streaming.messages import Order
    >>> order = Order(0.0, "u-7", "e-1", "default", "u-7", order="o-1", position="", lines=())
    >>> keys_of(order)
    ('user',)
    """
    carried: dict[OrderKey, object] = {
        "visitor": order.visitor if order.visitor != order.user else None,
        "user": order.user,
        "cart": order.cart,
        "checkout": order.checkout,
        "code": getattr(order, "codes", ()),
        "offer": getattr(order, "offers", ()),
    }
    return tuple(key for key in ORDER_KEYS if carried[key])


class OrderJoins(msgspec.Struct, array_like=True):
    """Fading sums of orders, of those that met nobody known, and of the keys that these carried.

    Bounded by ``ORDER_KEYS``. ``seen`` counts all orders.
    """

    seen: int = 0
    recent: float = 0.0
    unattributed: float = 0.0
    by_key: dict[str, float] = {}

    def add(self, keys: tuple[OrderKey, ...], *, joined: bool) -> None:
        """Add an order with its keys, and whether it joined a visit, a cart or a decision."""
        keep = 1.0 - 1.0 / MEMORY
        self.seen += 1
        self.recent = self.recent * keep + 1.0
        self.unattributed = self.unattributed * keep + (not joined)
        carried = () if joined else keys
        self.by_key = {key: self.by_key.get(key, 0.0) * keep + (key in carried) for key in ORDER_KEYS}

    def join(self, keys: tuple[OrderKey, ...]) -> None:
        """Take back that an order with these keys met nobody: it was found to after all."""
        self.unattributed = max(self.unattributed - 1.0, 0.0)
        self.by_key = {key: max(count - (key in keys), 0.0) for key, count in self.by_key.items()}

    def figures(self) -> dict[str, float]:
        """The share of recent orders that met nobody, and which part of these carried each key."""
        figures = {"orders_seen": float(self.seen)}
        if self.seen < ENOUGH:
            return figures
        figures["orders_unattributed_share"] = self.unattributed / self.recent
        with_key = {key: self.by_key.get(key, 0.0) / max(self.unattributed, 1.0) for key in ORDER_KEYS}
        return figures | {f"unattributed_with_{key}": share for key, share in with_key.items()}
