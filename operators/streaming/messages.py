"""What travels between the stations: small immutable structs, cheap to make, to order and to send elsewhere.

Times are seconds since 1970-01-01T00:00Z (``at_s``); money is in the market's currency.
"""

from typing import ClassVar, Final

import msgspec

from schemas.message import Header

ORDER_OF_KINDS: Final = (
    "activity",
    "page_viewed",
    "product_viewed",
    "searched",
    "cart_updated",
    "cart_item_added",
    "cart_item_removed",
    "checkout_started",
    "coupon_denied",
    "controls_changed",
    "product_changed",
    "consent_known",
    "user_known",
    "cart_changed",
    "checkout_begun",
    "offer_shown",
    "offer_clicked",
    "offer_dismissed",
    "offer_redeemed",
    "cart_bought",
    "order_completed",
    "order_updated",
    "order_refunded",
    "order_cancelled",
    "cart_idle",
    "session_ended",
    "outcome",
    "visitor_erased",
)
"""Of what happens at the same time, the order in which it is processed, in immediate and in ordered mode."""

RANK: Final = {kind: rank for rank, kind in enumerate(ORDER_OF_KINDS)}


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a cart or an order; ``price`` and ``unit_cost`` per piece; ``sku`` empty for no product."""

    sku: str
    quantity: int
    price: float | None = None
    category: str | None = None
    unit_cost: float | None = None


CART: Final = "cart:"


def cart_names(*ids: str | None) -> tuple[str, ...]:
    """Return what a cart is called by the ids of it and of its checkout, those that are there, each once.

    Shops mix the two up, so they are looked up together.

    >>> cart_names("c-1", None, "c-1")
    ('cart:c-1',)
    """
    return tuple(dict.fromkeys(f"{CART}{each}" for each in ids if each is not None))


def user_names(user: str | None) -> tuple[str, ...]:
    """Return what a cart is called by its user, if one is known."""
    return () if user is None else (f"user:{user}",)


class Code(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A code entered at the checkout, and by how much it lowered the order, where that is known."""

    code: str
    amount: float | None = None


class Trace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The W3C trace context of a record, passed on to every record that follows from it."""

    parent: str
    state: str | None = None

    def headers(self) -> tuple[Header, ...]:
        """Return it as headers of a record."""
        parent: Header = ("traceparent", self.parent.encode())
        return (parent,) if self.state is None else (parent, ("tracestate", self.state.encode()))


class EventContext(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What some events carry beside their kind: who may be written to, where they live, their trace.

    ``consent`` says for channels whether it is granted. ``timezone`` is a known IANA name, ``locale`` a
    language tag, ``segment`` the shop's own word for whom it sees.
    """

    consent: dict[str, bool] | None = None
    timezone: str | None = None
    locale: str | None = None
    trace: Trace | None = None
    segment: str | None = None


class ShopEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted event of a shop: what all kinds have in common.

    ``at_s`` is its place in the stream, by which timers run. A late event is placed at its partition's
    watermark, and ``happened_s`` then holds its own time, by which durations are measured. ``sent_s`` is
    the broker's timestamp of its record. ``visitor`` is empty where an order names none.
    """

    rank: ClassVar[int]

    at_s: float
    visitor: str
    id: str
    market: str
    user: str | None = None
    session: str | None = None
    device: str | None = None
    source: str | None = None
    happened_s: float | None = None
    sent_s: float | None = None
    context: EventContext | None = None

    @property
    def trace(self) -> Trace | None:
        """The trace context of its record."""
        return None if self.context is None else self.context.trace

    @property
    def own_s(self) -> float:
        """When it happened, wherever it is placed."""
        return self.at_s if self.happened_s is None else self.happened_s


class PageView(ShopEvent, frozen=True, array_like=True, gc=False, tag="page_viewed"):
    """A visitor looked at a page."""

    rank = RANK["page_viewed"]


class Activity(ShopEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="activity"):
    """A visitor did something that is not modelled."""

    rank = RANK["activity"]

    cart: str | None = None
    checkout: str | None = None


class CouponDenial(ShopEvent, frozen=True, array_like=True, gc=False, tag="coupon_denied"):
    """A visitor entered a code that the shop did not accept."""

    rank = RANK["coupon_denied"]


class ProductView(ShopEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="product_viewed"):
    """A visitor looked at a product."""

    rank = RANK["product_viewed"]

    sku: str
    price: float | None
    category: str | None


class Search(ShopEvent, frozen=True, array_like=True, gc=False, tag="searched"):
    """A visitor searched the shop."""

    rank = RANK["searched"]


class CartEvent(ShopEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """What a visitor did with a cart; an order may name it by ``cart`` or ``checkout``.

    ``partial``: some of its lines could not be read as they stand. ``cart_url`` is where the cart is found.
    """

    cart: str | None
    checkout: str | None = None
    partial: bool = False
    cart_url: str | None = None


class CartAddition(CartEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="cart_item_added"):
    """A visitor put lines into the cart."""

    rank = RANK["cart_item_added"]

    lines: tuple[Line, ...]


class CartRemoval(CartEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="cart_item_removed"):
    """A visitor took lines out of the cart."""

    rank = RANK["cart_item_removed"]

    lines: tuple[Line, ...]


class CartSnapshot(CartEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="cart_updated"):
    """The cart now holds exactly these lines."""

    rank = RANK["cart_updated"]

    lines: tuple[Line, ...]


class CheckoutStart(CartEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="checkout_started"):
    """A visitor began to pay; ``lines`` are the whole cart, None where the event did not list them."""

    rank = RANK["checkout_started"]

    lines: tuple[Line, ...] | None


class OrderEvent(ShopEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """What became of an order.

    ``position`` is where its record stands in the source, by which reading it again after a crash is told
    from an order that is told twice. It may be addressed to many shards; ``is_home`` in one of them, which
    passes it on.
    """

    order: str
    position: str
    cart: str | None = None
    checkout: str | None = None
    is_home: bool = True


class OrderContent(OrderEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """What was ordered, with these ``offers`` redeemed, given by their ids, and these codes entered.

    ``discount`` is what the whole order was lowered by, the amounts of its codes included.
    """

    lines: tuple[Line, ...]
    offers: tuple[str, ...] = ()
    codes: tuple[Code, ...] = ()
    discount: float = 0.0
    partial: bool = False


class Order(OrderContent, frozen=True, kw_only=True, array_like=True, gc=False, tag="order_completed"):
    """An order was placed.

    ``names`` are what the carts that it may have bought are called by. ``met_cart`` where the shard that
    passes it on held a cart of its buyer, ``met_visit`` where it knows a visit of its visitor.
    """

    rank = RANK["order_completed"]

    names: tuple[str, ...] = ()
    met_cart: bool = False
    met_visit: bool = False


class OrderUpdate(OrderContent, frozen=True, kw_only=True, array_like=True, gc=False, tag="order_updated"):
    """An order now holds exactly this."""

    rank = RANK["order_updated"]


class OrderRefund(OrderEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="order_refunded"):
    """An order was paid back: these lines, else this amount, else all of it."""

    rank = RANK["order_refunded"]

    lines: tuple[Line, ...] | None = None
    amount: float | None = None


class OrderCancellation(
    OrderEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="order_cancelled"
):
    """An order was cancelled: it is as if it had never been placed."""

    rank = RANK["order_cancelled"]


class OfferFeedback(ShopEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """What a visitor did with an offer, given by its id."""

    offer: str


class OfferImpression(OfferFeedback, frozen=True, kw_only=True, array_like=True, gc=False, tag="offer_shown"):
    """A visitor was shown an offer."""

    rank = RANK["offer_shown"]


class OfferClick(OfferFeedback, frozen=True, kw_only=True, array_like=True, gc=False, tag="offer_clicked"):
    """A visitor followed an offer."""

    rank = RANK["offer_clicked"]


class OfferDismissal(
    OfferFeedback, frozen=True, kw_only=True, array_like=True, gc=False, tag="offer_dismissed"
):
    """A visitor put an offer away."""

    rank = RANK["offer_dismissed"]


class OfferRedemption(
    OfferFeedback, frozen=True, kw_only=True, array_like=True, gc=False, tag="offer_redeemed"
):
    """A visitor used an offer, with this order where the event names it."""

    rank = RANK["offer_redeemed"]

    order: str | None = None


class Erasure(ShopEvent, frozen=True, kw_only=True, array_like=True, gc=False, tag="visitor_erased"):
    """A visitor, a user, or both are to be forgotten, in all markets.

    One of a user is addressed to all shards, since each may know visitors who are that user; ``is_home`` in
    one of them.
    """

    rank = RANK["visitor_erased"]

    is_home: bool = True


AnyFeedback = OfferImpression | OfferClick | OfferDismissal | OfferRedemption
AnyOrderRevision = OrderUpdate | OrderRefund | OrderCancellation
AnyShopEvent = (
    Activity
    | CouponDenial
    | PageView
    | ProductView
    | Search
    | CartAddition
    | CartRemoval
    | CartSnapshot
    | CheckoutStart
    | Order
    | AnyOrderRevision
    | AnyFeedback
    | Erasure
)
"""The kinds of shop event, for decoding: tagged by the type of the native event."""


class Moment(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="moment"):
    """Something worth scoring happened to a visitor's cart.

    ``kind`` is cart_changed, checkout_begun, cart_idle or session_ended. ``features`` are as seen at
    ``at_s``. ``read_s`` is the wall clock at which what caused it was read, None in replay; ``sent_s`` the
    broker's timestamp of that record, None for a timer. ``lines`` are those that the cart remembers, beside
    ``lines_left_out``; ``partial``: some could not be read as they stood. ``visits_before`` is how many
    visits of the visitor came before this one. ``trace`` is that of the visit's latest event.
    """

    at_s: float
    visitor: str
    id: str
    market: str
    kind: str
    cart: str
    cart_value: float
    lines: tuple[Line, ...]
    features: dict[str, int | float | str]
    user: str | None
    session: str | None
    read_s: float | None
    sent_s: float | None
    lines_left_out: int = 0
    partial: bool = False
    visits_before: int = 0
    timezone: str | None = None
    locale: str | None = None
    cart_url: str | None = None
    trace: Trace | None = None

    @property
    def rank(self) -> int:
        """Its place among what happens at the same time."""
        return RANK[self.kind]


class CartOutcome(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="outcome"):
    """What became of a cart: ``kind`` is purchased, abandoned or recovered.

    ``moment`` and ``features`` are those of one moment of the cart, drawn uniformly among its ``moments``
    moments before an offer could matter; None where the cart had no moment (an order out of the blue).
    """

    rank: ClassVar[int] = RANK["outcome"]

    at_s: float
    visitor: str
    id: str
    market: str
    kind: str
    cart: str
    moment: str | None = None
    moment_at_s: float | None = None
    moment_kind: str | None = None
    moments: int = 0
    features: dict[str, int | float | str] | None = None
    trace: Trace | None = None


class UserKnown(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="user_known"):
    """A visitor turned out to be this user."""

    rank: ClassVar[int] = RANK["user_known"]

    at_s: float
    visitor: str
    id: str
    market: str
    user: str


class ConsentKnown(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="consent_known"):
    """A visitor or a user granted or denied consent for some channels.

    ``source`` is ``event`` or ``controls``. One of ``visitor`` and ``user`` may be missing: ``visitor`` is
    empty then. ``happened_s`` is when a late one was said, as of a ``ShopEvent``.
    """

    rank: ClassVar[int] = RANK["consent_known"]

    at_s: float
    visitor: str
    id: str
    market: str
    consent: dict[str, bool]
    source: str
    user: str | None = None
    happened_s: float | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A product as the catalog has it; what it does not tell is None. Money is in the market's currency."""

    price: float | None = None
    unit_cost: float | None = None
    stock: int | None = None
    title: str | None = None
    url: str | None = None
    image: str | None = None
    category: str | None = None


class ProductChange(
    msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="product_changed"
):
    """A product of the catalog is now this; None: it is gone. ``visitor`` is empty."""

    rank: ClassVar[int] = RANK["product_changed"]

    at_s: float
    id: str
    market: str
    sku: str
    product: Product | None
    visitor: str = ""
    trace: Trace | None = None


class ControlSetting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One key of the offers file that controls have set: its path, and its value in JSON; None: as filed."""

    path: str
    value: bytes | None


class ControlsChange(
    msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="controls_changed"
):
    """The controls in force from now on: all keys that are set, in the order in which they were.

    ``version`` is the number of the latest change that took effect. ``visitor`` is empty. ``cause`` describes
    that change for the audit trail, in JSON; None where it was told before.
    """

    rank: ClassVar[int] = RANK["controls_changed"]

    at_s: float
    id: str
    market: str
    version: int
    settings: tuple[ControlSetting, ...]
    cause: bytes | None = None
    visitor: str = ""


class CartBought(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="cart_bought"):
    """An order bought this cart of this visitor, whoever the order itself names."""

    rank: ClassVar[int] = RANK["cart_bought"]

    at_s: float
    visitor: str
    id: str
    market: str
    order: str
    cart: str
    trace: Trace | None = None


class PersonErased(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="person_erased"):
    """A visitor, a user, or both are to be forgotten; ``visitor`` may be empty, ``user`` None.

    Several may follow from one event, of which one ``is_home``.
    """

    rank: ClassVar[int] = RANK["visitor_erased"]

    at_s: float
    visitor: str
    id: str
    market: str
    user: str | None = None
    is_home: bool = True
    trace: Trace | None = None


MarketInput = ConsentKnown | ProductChange | ControlsChange
"""What reaches markets without a visitor's shard."""

MarketEvent = (
    Moment
    | CartOutcome
    | UserKnown
    | CartBought
    | Order
    | AnyOrderRevision
    | AnyFeedback
    | PersonErased
    | MarketInput
)
"""What a market processes."""


def place(message: AnyShopEvent | MarketEvent) -> tuple[float, int, str, str]:
    """Return where a message stands in the total order: by time, kind, visitor and id."""
    return message.at_s, message.rank, message.visitor, message.id


class ShardBatch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one source partition sends to one visitor shard: events in reading order, then a watermark.

    No older event will come from this partition than ``watermark_s`` (minus infinity: nothing known yet).
    ``read_s`` is the wall clock when it was read, None in replay, where nothing is ever stale.
    """

    shard: int
    partition: str
    events: tuple[AnyShopEvent, ...]
    watermark_s: float
    read_s: float | None = None


class FeatureRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row for the feature store: the latest value of one kind for one visitor.

    With an empty ``kind`` it says that all rows of the visitor are to go.
    """

    market: str
    visitor: str
    kind: str
    value: bytes


class ShardOutput(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What follows from a batch in a visitor shard: events for the markets, then a watermark if it moved."""

    shard: int
    events: tuple[MarketEvent, ...]
    watermark_s: float | None = None
    features: tuple[FeatureRow, ...] = ()
    figures: dict[str, float] | None = None


class MarketBatch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What shards, or the partition of a catalog or of controls, send to a market: events, then watermarks.

    ``watermarks`` are those that moved, by the number of the shard or the name of the partition.
    """

    market: str
    events: tuple[MarketEvent, ...]
    watermarks: tuple[tuple[int | str, float], ...]


class OutputRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One record for the outside: its stream, its type, its key, its id, its bytes.

    ``stream`` names a row of ``schemas.topics.OUTPUTS``; ``type`` the schema, for example offer.decided.
    ``key`` decides the partition and is the key of the record. A rejected message keeps its own key, which
    may be null or no text: ``own_key``. If it had no value, ``is_null`` says so. ``since_s`` is the broker's
    timestamp of the event that caused the record, for end-to-end latency.
    """

    stream: str
    type: str
    key: str
    id: str
    value: bytes
    headers: tuple[Header, ...] = ()
    since_s: float | None = None
    own_key: bytes | msgspec.UnsetType | None = msgspec.UNSET
    is_null: bool = False


ReaderOutput = ShardBatch | MarketBatch | OutputRecord
"""What the reader of a source partition emits."""


class MarketOutput(msgspec.Struct, frozen=True, gc=False):
    """What follows from a batch in a market: records, feature store rows, and now and then figures.

    ``budgets`` has the figures of each budget by its name, where there are figures.
    """

    market: str
    records: tuple[OutputRecord, ...]
    features: tuple[FeatureRow, ...]
    figures: dict[str, float] | None
    budgets: dict[str, dict[str, float]] = {}
