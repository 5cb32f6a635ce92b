"""What travels on the page: small immutable records, cheap to make, to order and to send to another process.

Times are seconds since 1970-01-01T00:00Z (``at_s``). Records that happen at the same time are taken by
``rank``, then by visitor, then by id: the total order that makes ordered mode independent of batching.
"""

from typing import Final

import msgspec

type_ranks: Final = (
    "page_viewed",
    "product_viewed",
    "searched",
    "cart_updated",
    "cart_item_added",
    "cart_item_removed",
    "checkout_started",
    "cart_changed",
    "checkout_begun",
    "offer_shown",
    "offer_clicked",
    "offer_dismissed",
    "offer_redeemed",
    "order_completed",
    "cart_idle",
    "session_ended",
    "outcome",
)
RANK: Final = {name: rank for rank, name in enumerate(type_ranks)}


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a cart or an order; money in the market's currency, per piece."""

    sku: str
    quantity: int
    price: float | None = None
    category: str | None = None
    unit_cost: float | None = None


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted event of a shop, as the page carries it.

    ``at_s`` is its place on the page. A late order is placed at its partition's promise, and
    ``happened_s`` then holds its own time. ``sent_s`` is the broker's timestamp of its record.
    """

    at_s: float
    rank: int
    visitor: str
    id: str
    market: str
    type: str
    user: str | None = None
    session: str | None = None
    device: str | None = None
    source: str | None = None
    sku: str | None = None
    category: str | None = None
    price: float | None = None
    lines: tuple[Line, ...] | None = None
    cart: str | None = None
    order: str | None = None
    offers: tuple[str, ...] = ()
    happened_s: float | None = None
    sent_s: float | None = None

    @property
    def own_s(self) -> float:
        """When it happened, wherever it is placed."""
        return self.at_s if self.happened_s is None else self.happened_s


class ShardBatch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one source partition says to one visitor shard: facts in reading order, then a tick.

    ``tick_s`` promises that no older fact will come from this partition (minus infinity: nothing yet
    promised). ``read_s`` is the wall clock when it was read, None in replay, where nothing is ever stale.
    """

    shard: int
    part: str
    facts: tuple[Fact, ...]
    tick_s: float
    read_s: float | None = None


class Moment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something worth scoring happened to a visitor's cart.

    ``kind`` is cart_changed, checkout_begun, cart_idle or session_ended. ``features`` are as seen at
    ``at_s``. ``sent_s`` is the broker's timestamp of the record that brought it (None for a timer).
    """

    at_s: float
    rank: int
    visitor: str
    id: str
    market: str
    kind: str
    cart: str
    cart_value: float
    lines: tuple[Line, ...]
    features: dict[str, float | str]
    user: str | None = None
    session: str | None = None
    read_s: float | None = None
    sent_s: float | None = None


class Outcome(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of a cart: ``kind`` is purchased, abandoned or recovered.

    ``moment`` and ``features`` are those of one moment of the cart, drawn uniformly among its ``moments``
    moments before an offer could matter; None where the cart had no moment (an order out of the blue).
    """

    at_s: float
    rank: int
    visitor: str
    id: str
    market: str
    kind: str
    cart: str
    moment: str | None = None
    moment_at_s: float | None = None
    moment_kind: str | None = None
    moments: int = 0
    features: dict[str, float | str] | None = None


Row = Moment | Outcome | Fact
"""What a visitor shard says to its market."""


def place(row: Row) -> tuple[float, int, str, str]:
    """Say where a row stands in the total order of ordered mode."""
    return row.at_s, row.rank, row.visitor, row.id


class FeatureRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row for the feature store: the latest value of one kind for one visitor."""

    market: str
    visitor: str
    kind: str
    value: bytes


class ShardOutput(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one visitor shard says after a batch: rows in its order, then its tick if it moved."""

    shard: int
    rows: tuple[Row, ...]
    tick_s: float | None = None
    visits: tuple[FeatureRow, ...] = ()
    figures: dict[str, float] | None = None


class MarketBatch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the shards of one process say to one market: rows, then the shards' ticks."""

    market: str
    rows: tuple[Row, ...]
    ticks: tuple[tuple[int, float], ...]


class OutputRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One record for the outside: its stream, its key, its id, its bytes.

    ``stream`` is offers, decisions or rejected; ``type`` names the schema, for example offer.decided.
    ``since_s`` is the broker's timestamp of the event that caused it, for end-to-end latency.
    """

    stream: str
    type: str
    key: str
    id: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    since_s: float | None = None
