"""Whether the orders of a sample would meet whom they belong to, and by what."""

from collections import Counter
from typing import Final, Literal, get_args

from operators.decisions.order_joins import OrderKey, keys_of
from operators.streaming.messages import AnyShopEvent, Order, OrderEvent

JoinKey = Literal["cart", "checkout", "user", "visitor", "offer"]
JOIN_KEYS: Final[tuple[JoinKey, ...]] = get_args(JoinKey)
"""In the order in which they are tried; a code joins by the offers file, which a sample does not show."""
REMEMBERED: Final = 200_000
"""So many carts, users, and so on are remembered each; later ones are not."""


class SampleJoins:
    """The keys that a sample's visitors have, and those that its orders carry, wherever each stands in it.

    Bounded by ``REMEMBERED`` keys of a kind, and by as many orders.
    """

    def __init__(self) -> None:
        self.carried: Counter[OrderKey] = Counter()
        self.orders = self.repeated = 0
        self._known: dict[JoinKey, set[int]] = {key: set() for key in JOIN_KEYS}
        self._orders: dict[int, tuple[tuple[JoinKey, int], ...]] = {}

    def observe(self, event: AnyShopEvent) -> None:
        """Take an event that was accepted."""
        if isinstance(event, Order):
            self._observe_order(event)
        elif not isinstance(event, OrderEvent):
            for key, value in _hashes(event):
                if len(self._known[key]) < REMEMBERED:
                    self._known[key].add(value)

    def _observe_order(self, order: Order) -> None:
        name = hash((order.market, order.order))
        if name in self._orders:
            self.repeated += 1
            return
        self.orders += 1
        self.carried.update(keys_of(order))
        if len(self._orders) < REMEMBERED:
            self._orders[name] = _hashes(order)

    def joined(self) -> Counter[JoinKey]:
        """Return how many orders meet somebody of the sample, by the first key that leads to them."""
        found: Counter[JoinKey] = Counter()
        for keys in self._orders.values():
            joining = {key for key, value in keys if value in self._known[key]}
            found.update([key for key in JOIN_KEYS if key in joining][:1])
        return found


def _hashes(event: AnyShopEvent) -> tuple[tuple[JoinKey, int], ...]:
    """Return the keys of an event with a hash of each in its market."""
    offers = getattr(event, "offers", None) or (getattr(event, "offer", None),)
    values: tuple[tuple[JoinKey, object], ...] = (
        ("cart", getattr(event, "cart", None)),
        ("checkout", getattr(event, "checkout", None)),
        ("user", event.user),
        ("visitor", event.visitor),
        *(("offer", offer) for offer in offers),
    )
    return tuple((key, hash((event.market, value))) for key, value in values if value)
