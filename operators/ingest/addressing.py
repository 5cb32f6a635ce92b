"""Which visitor shards an order or an erasure goes to: one is its home, the others may know the person."""

from msgspec.structs import replace

from operators.streaming.ids import SHARDS, shard_of
from operators.streaming.messages import AnyOrderRevision, AnyShopEvent, Erasure, Order


def send_order(event: Order | AnyOrderRevision, shards: dict[int, list[AnyShopEvent]]) -> None:
    """Append an order, or what revises one, to the events of the shards it goes to.

    An order that names a cart, a checkout or a user goes to every shard, since nobody knows here who holds
    that cart. One shard is its home: its visitor's, or else one that follows from the order's id.
    """
    home = shard_of(event.visitor or event.order)
    shards.setdefault(home, []).append(event)
    if isinstance(event, Order) and event.names:
        _send_elsewhere(event, home, shards)


def send_erasure(event: Erasure, shards: dict[int, list[AnyShopEvent]]) -> None:
    """Append an erasure to the events of the shards it goes to: with a user to all of them."""
    home = shard_of(event.visitor or event.user or event.id)
    shards.setdefault(home, []).append(event)
    if event.user is not None:
        _send_elsewhere(event, home, shards)


def _send_elsewhere(event: Order | Erasure, home: int, shards: dict[int, list[AnyShopEvent]]) -> None:
    """Append an event to those of all shards but its home."""
    elsewhere = replace(event, is_home=False)
    for shard in range(SHARDS):
        if shard != home:
            shards.setdefault(shard, []).append(elsewhere)
