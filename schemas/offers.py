"""What marketing reads on the offers topic: CloudEvents 1.0 in structured JSON, keyed by visitor."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from schemas.events import Amount, Id, Name, Quantity
from schemas.shop import Channel, Kind

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
MomentKind = Literal["cart_changed", "checkout_begun", "cart_idle", "session_ended"]


class OutputModel(BaseModel):
    """What all outgoing words have in common: frozen, strict, and nothing that is not written here."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class CartItem(OutputModel):
    """One line of the cart that the offer is about; price per piece, null where no event told it."""

    sku: Id
    quantity: Quantity
    price: Amount | None = None
    category: str | None = None


class Cart(OutputModel):
    """The cart as it was at the moment of the decision."""

    id: Id
    value: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    currency: Currency
    items: tuple[CartItem, ...]


class Treatment(OutputModel):
    """What is offered, as the shop's offers file has it."""

    name: Name
    kind: Kind
    value: Amount
    channel: Channel


class Decided(OutputModel):
    """The offer and why it was made.

    ``abandonment`` is the predicted probability that the cart is left; ``propensity`` the one with which this
    treatment was drawn.
    """

    offer_id: Id
    decision_id: Id
    moment_id: Id
    visitor_id: Id
    user_id: Id | None
    session_id: Id | None
    market: Name
    at: AwareDatetime
    expires_at: AwareDatetime
    trigger: MomentKind
    cart: Cart
    treatment: Treatment
    abandonment: Probability
    propensity: Probability
    policy: str
    policy_version: int
    model: str
    model_version: int


class Withdrawn(OutputModel):
    """The offer that no longer stands, and why."""

    offer_id: Id
    decision_id: Id
    moment_id: Id
    visitor_id: Id
    market: Name
    at: AwareDatetime
    reason: Annotated[str, Field(min_length=1)]


class Envelope(OutputModel):
    """The CloudEvents attributes of every offer record.

    ``source`` is offerstream/market, ``subject`` the visitor, ``correlationid`` the moment that asked and
    ``causationid`` what caused the record: the decision, or for a revocation the order's event.
    """

    specversion: Literal["1.0"]
    id: Id
    source: Annotated[str, Field(pattern=r"^offerstream/[a-z0-9][a-z0-9_-]{0,31}$")]
    subject: Id
    time: AwareDatetime
    datacontenttype: Literal["application/json"]
    correlationid: Id
    causationid: Id


class OfferDecided(Envelope):
    """An offer was made; show it until ``expirytime`` unless it is revoked before."""

    type: Literal["offer.decided"]
    expirytime: AwareDatetime
    data: Decided


class OfferRevoked(Envelope):
    """An offer no longer stands because of what the visitor did since, for example buy."""

    type: Literal["offer.revoked"]
    data: Withdrawn


class OfferExpired(Envelope):
    """An offer ended unused."""

    type: Literal["offer.expired"]
    data: Withdrawn


OfferRecord = Annotated[OfferDecided | OfferRevoked | OfferExpired, Field(discriminator="type")]
OFFERS: Final[TypeAdapter[OfferRecord]] = TypeAdapter(OfferRecord)
