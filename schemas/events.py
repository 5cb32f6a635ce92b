"""Native events: what happened in a shop, as JSON, tagged by ``type``.

Types are strict, so that what the worker accepts is exactly what the published JSON Schema says: a price is a
number, never text. Unknown fields are ignored. Amounts are in the currency of the event's market, unless the
event names another ``currency``. A price is what the shopper would pay without our offer.
"""

import zoneinfo
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)

MAX_ID: Final = 200
MAX_AMOUNT: Final = 1e9
"""Upper bounds keep every sum over a cart finite: a price of 1e308 times two would be infinity."""
MAX_PIECES: Final = 1_000_000


@lru_cache(maxsize=1024)
def known_zone(name: str) -> str:
    """Return the name of a time zone; ValueError for one that the time zone database does not have."""
    try:
        return zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        raise ValueError("should be an IANA time zone like Europe/Berlin") from None


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
Label = Annotated[str, Field(max_length=1000)]
Time = Annotated[AwareDatetime, Field(ge=EARLIEST)]
Amount = Annotated[float, Field(ge=0, le=MAX_AMOUNT, allow_inf_nan=False)]
Quantity = Annotated[int, Field(ge=1, le=MAX_PIECES)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
TimeZone = Annotated[
    str, Field(pattern=r"^[A-Z][A-Za-z0-9_+/-]*$", max_length=64), AfterValidator(known_zone)
]
Locale = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length=35)]
WebAddress = Annotated[str, Field(pattern=r"^https?://[^\s/?#<>\"]+[^\s<>\"]*$", max_length=2000)]
OrderOrigin = Literal["online", "point_of_sale", "test"]
MomentKind = Literal["cart_changed", "checkout_begun", "cart_idle", "session_ended"]


class InputModel(BaseModel):
    """What all native events have in common: frozen, strict, unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Item(InputModel):
    """So many pieces of one product, at a price per piece; without a ``sku`` only their value counts."""

    sku: Id | None
    price: Amount
    quantity: Quantity = 1
    category: Label | None = None
    unit_cost: Amount | None = None


class RemovedItem(InputModel):
    """So many pieces of one product, taken out of a cart."""

    sku: Id
    quantity: Quantity = 1
    price: Amount | None = None
    category: Label | None = None


class DiscountCode(InputModel):
    """A code that was entered at the checkout, and by how much it lowered the order, where that is known."""

    code: Id
    amount: Amount | None = None


class ChannelConsent(InputModel):
    """On which channels a person agreed to get offers, or refused; what is left out was not asked."""

    on_site: bool | None = None
    email: bool | None = None
    app: bool | None = None


class EventBase(InputModel):
    """When something happened, where, and who did it, as far as that is known."""

    id: Id
    time: Time
    user_id: Id | None = None
    session_id: Id | None = None
    market: Name = "default"
    device: Label | None = None
    source: Label | None = None
    consent: ChannelConsent | None = None
    timezone: TimeZone | None = None
    locale: Locale | None = None
    segment: Label | None = None


class VisitorEvent(EventBase):
    """What a visitor did."""

    visitor_id: Id


class CartEvent(VisitorEvent):
    """What a visitor did with a cart; ``cart_id`` and ``checkout_id`` are how its order may name it.

    ``cart_url`` is where the visitor finds it again.
    """

    cart_id: Id | None = None
    checkout_id: Id | None = None
    currency: Currency | None = None
    cart_url: WebAddress | None = None


class OrderEvent(EventBase):
    """What became of an order.

    It needs no visitor: its offers and codes, its cart or checkout, or its user say whose it is. One that was
    made at a till or as a test is read and leaves no trace.
    """

    visitor_id: Id | None = None
    order_id: Id
    cart_id: Id | None = None
    checkout_id: Id | None = None
    currency: Currency | None = None
    origin: OrderOrigin = "online"


class OrderContent(OrderEvent):
    """What was ordered, with these offers redeemed and these codes entered.

    ``discount`` is what the whole order was lowered by, beside what its prices already say and with the
    amounts of its codes; ``shipping`` and ``tax`` are no part of the margin.
    """

    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    offer_ids: tuple[Id, ...] = ()
    discount_codes: tuple[DiscountCode, ...] = ()
    discount: Amount = 0.0
    shipping: Amount | None = None
    tax: Amount | None = None


class PageViewed(VisitorEvent):
    """A visitor looked at a page."""

    type: Literal["page_viewed"]
    url: str | None = None
    title: str | None = None


class ProductViewed(VisitorEvent):
    """A visitor looked at a product."""

    type: Literal["product_viewed"]
    sku: Id
    price: Amount | None = None
    currency: Currency | None = None
    category: Label | None = None


class Searched(VisitorEvent):
    """A visitor searched the shop; an empty query is one too."""

    type: Literal["searched"]
    query: str


class CartItemAdded(CartEvent):
    """A visitor put items into the cart."""

    type: Literal["cart_item_added"]
    items: Annotated[tuple[Item, ...], Field(min_length=1)]


class CartItemRemoved(CartEvent):
    """A visitor took items out of the cart."""

    type: Literal["cart_item_removed"]
    items: Annotated[tuple[RemovedItem, ...], Field(min_length=1)]


class CartUpdated(CartEvent):
    """The cart now holds exactly these items; none of them means it is empty."""

    type: Literal["cart_updated"]
    items: tuple[Item, ...]


class CheckoutStarted(CartEvent):
    """A visitor began to pay, for these items where they are known."""

    type: Literal["checkout_started"]
    items: tuple[Item, ...] | None = None


class OrderCompleted(OrderContent):
    """An order was placed."""

    type: Literal["order_completed"]


class OrderUpdated(OrderContent):
    """An order now holds exactly this."""

    type: Literal["order_updated"]


class OrderRefunded(OrderEvent):
    """An order was paid back: these items, else this amount, else all of it."""

    type: Literal["order_refunded"]
    items: Annotated[tuple[RemovedItem, ...], Field(min_length=1)] | None = None
    amount: Amount | None = None


class OrderCancelled(OrderEvent):
    """An order was cancelled: it is as if it had never been placed."""

    type: Literal["order_cancelled"]
    reason: Label | None = None


class CouponDenied(VisitorEvent):
    """A visitor entered a code that the shop did not accept."""

    type: Literal["coupon_denied"]
    code: Label | None = None
    reason: Label | None = None


class Activity(VisitorEvent):
    """A visitor did something else, called ``name``: the visit stays alive and the cart is not idle."""

    type: Literal["activity"]
    name: Label | None = None
    cart_id: Id | None = None
    checkout_id: Id | None = None


class OfferFeedback(VisitorEvent):
    """What a visitor did with an offer; it belongs to the market that its ``offer_id`` begins with."""

    offer_id: Id


class OfferShown(OfferFeedback):
    """A visitor was shown an offer."""

    type: Literal["offer_shown"]


class OfferClicked(OfferFeedback):
    """A visitor followed an offer."""

    type: Literal["offer_clicked"]


class OfferDismissed(OfferFeedback):
    """A visitor put an offer away."""

    type: Literal["offer_dismissed"]


class OfferRedeemed(OfferFeedback):
    """A visitor used an offer, in this order where it is known."""

    type: Literal["offer_redeemed"]
    order_id: Id | None = None


class VisitorErased(EventBase):
    """A person asked to be forgotten: a visitor, a user with all visitors seen as that user, or both.

    It is about all markets, whichever it names. What happened before it is not taken any more.
    """

    type: Literal["visitor_erased"]
    visitor_id: Id | None = None


Event = Annotated[
    PageViewed
    | ProductViewed
    | Searched
    | CartItemAdded
    | CartItemRemoved
    | CartUpdated
    | CheckoutStarted
    | OrderCompleted
    | OrderUpdated
    | OrderRefunded
    | OrderCancelled
    | CouponDenied
    | Activity
    | OfferShown
    | OfferClicked
    | OfferDismissed
    | OfferRedeemed
    | VisitorErased,
    Field(discriminator="type"),
]
EVENTS: Final[TypeAdapter[Event]] = TypeAdapter(Event)
