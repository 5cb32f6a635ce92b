"""Native events: what happened in a shop, as JSON, tagged by ``type``.

Types are strict, so that what the worker accepts is exactly what the published JSON Schema says: a price is a
number, never text. Unknown fields are ignored. Amounts are in the currency of the event's market.
"""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Label = Annotated[str, Field(max_length=1000)]
Time = Annotated[AwareDatetime, Field(ge=EARLIEST)]
# Upper bounds keep every sum over a cart finite: a price of 1e308 times two would be infinity.
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
MomentKind = Literal["cart_changed", "checkout_begun", "cart_idle", "session_ended"]


class InputModel(BaseModel):
    """What all native events have in common: frozen, strict, unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Item(InputModel):
    """So many pieces of one product, at a price per piece."""

    sku: Id
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


class EventBase(InputModel):
    """Who did it, when and where: the fields that every event has."""

    id: Id
    time: Time
    visitor_id: Id
    user_id: Id | None = None
    session_id: Id | None = None
    market: Name = "default"
    device: Label | None = None
    source: Label | None = None


class PageViewed(EventBase):
    """A visitor looked at a page."""

    type: Literal["page_viewed"]
    url: str | None = None
    title: str | None = None


class ProductViewed(EventBase):
    """A visitor looked at a product."""

    type: Literal["product_viewed"]
    sku: Id
    price: Amount | None = None
    category: Label | None = None


class Searched(EventBase):
    """A visitor searched the shop; an empty query is one too."""

    type: Literal["searched"]
    query: str


class CartItemAdded(EventBase):
    """A visitor put items into the cart."""

    type: Literal["cart_item_added"]
    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    cart_id: Id | None = None


class CartItemRemoved(EventBase):
    """A visitor took items out of the cart."""

    type: Literal["cart_item_removed"]
    items: Annotated[tuple[RemovedItem, ...], Field(min_length=1)]
    cart_id: Id | None = None


class CartUpdated(EventBase):
    """The cart now holds exactly these items; none of them means it is empty."""

    type: Literal["cart_updated"]
    items: tuple[Item, ...]
    cart_id: Id | None = None


class CheckoutStarted(EventBase):
    """A visitor began to pay, for these items where they are known."""

    type: Literal["checkout_started"]
    items: tuple[Item, ...] | None = None
    cart_id: Id | None = None


class OrderCompleted(EventBase):
    """A visitor bought these items, with these offers redeemed."""

    type: Literal["order_completed"]
    order_id: Id
    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    cart_id: Id | None = None
    offer_ids: tuple[Id, ...] = ()


class Activity(EventBase):
    """A visitor did something else, called ``name``: the visit stays alive and the cart is not idle."""

    type: Literal["activity"]
    name: Label | None = None


class OfferFeedback(EventBase):
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


Event = Annotated[
    PageViewed
    | ProductViewed
    | Searched
    | CartItemAdded
    | CartItemRemoved
    | CartUpdated
    | CheckoutStarted
    | OrderCompleted
    | Activity
    | OfferShown
    | OfferClicked
    | OfferDismissed
    | OfferRedeemed,
    Field(discriminator="type"),
]
EVENTS: Final[TypeAdapter[Event]] = TypeAdapter(Event)
