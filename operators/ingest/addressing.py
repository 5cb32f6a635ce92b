"""Which visitor shards an event goes to: its visitor's; an order also to those that may hold its cart."""

from msgspec.structs import replace

from operators.streaming.ids import SHARDS, shard_of
from operators.streaming.messages import AnyShopEvent, Order, OrderEvent


def send(event: AnyShopEvent, shards: dict[int, list[AnyShopEvent]]) -> None:
    """Append an event to the events of the shards it goes to.

    An order that names a cart, a checkout or a user goes to every shard, since nobody knows here who holds
    that cart. One shard is its home: its visitor's, or else one that follows from the order's id.
    """
    if not isinstance(event, OrderEvent):
        shards.setdefault(shard_of(event.visitor), []).append(event)
        return
    home = shard_of(event.visitor or event.order)
    shards.setdefault(home, []).append(event)
    if isinstance(event, Order) and (event.cart, event.checkout, event.user) != (None, None, None):
        elsewhere = replace(event, is_home=False)
        for shard in range(SHARDS):
            if shard != home:
                shards.setdefault(shard, []).append(elsewhere)
