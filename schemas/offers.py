"""What marketing reads on the offers topic: CloudEvents 1.0 in structured JSON, keyed by visitor."""

from typing import Annotated, Final, Literal

import msgspec

from schemas.events import MAX_AMOUNT, MAX_PIECES, MomentKind
from schemas.records import Currency, Id, Money, Name, Probability, Record, Timestamp, decoder
from schemas.rules import Channel
from schemas.shop import OfferKind

Price = Annotated[float, msgspec.Meta(ge=0.0, le=MAX_AMOUNT)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MAX_PIECES)]


class OfferCartItem(Record, frozen=True, kw_only=True, gc=False):
    """One line of the cart that the offer is about; price per piece, null where no event gave it.

    ``sku`` is null where a line is no product.
    """

    sku: Id | None
    price: Price | None
    quantity: Quantity
    category: str | None


class OfferCart(Record, frozen=True, kw_only=True, gc=False):
    """The cart as it was at the moment of the decision.

    ``items`` are at most a hundred lines; ``value`` is that of all, those of ``lines_left_out`` included.
    ``partial``: some of its lines could not be read as the shop wrote them.
    """

    id: Id
    value: Money
    currency: Currency
    items: tuple[OfferCartItem, ...]
    lines_left_out: int = 0
    partial: bool = False


class Promotion(Record, frozen=True, kw_only=True, gc=False):
    """What the shopper enters at the checkout: this code, or one from the list of this name."""

    code: str | None
    pool: str | None


class Treatment(Record, frozen=True, kw_only=True, gc=False):
    """What is offered, as the shop's offers file has it."""

    name: Name
    kind: OfferKind
    value: Price
    channel: Channel
    promotion: Promotion | None = None


class OfferData(Record, frozen=True, kw_only=True, gc=False):
    """The offer and why it was made.

    ``abandonment`` is the predicted probability that the cart is left; ``propensity`` the one with which this
    treatment was drawn.
    """

    offer_id: Id
    decision_id: Id
    moment_id: Id
    visitor_id: Id
    user_id: Id | None
    market: Name
    at: Timestamp
    expires_at: Timestamp
    trigger: MomentKind
    abandonment: Probability
    propensity: Probability
    policy: str
    policy_version: int
    model: str
    model_version: int
    session_id: Id | None
    cart: OfferCart
    treatment: Treatment


class EndedOfferData(Record, frozen=True, kw_only=True, gc=False):
    """The offer that no longer stands, and why; ``order_id`` is the order that redeemed it, where one did."""

    offer_id: Id
    decision_id: Id
    moment_id: Id
    visitor_id: Id
    market: Name
    at: Timestamp
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    order_id: Id | None = None


class Envelope(Record, frozen=True, kw_only=True, gc=False):
    """The CloudEvents attributes of every offer record.

    ``source`` is offerstream/market, ``subject`` the visitor, ``correlationid`` the moment that led to the
    offer and ``causationid`` what caused the record: the decision, or for a revocation the order's event.
    """

    specversion: Literal["1.0"] = "1.0"
    id: Id
    source: Annotated[str, msgspec.Meta(pattern=r"^offerstream/[a-z0-9][a-z0-9_-]{0,31}$")]
    type: str
    subject: Id
    time: Timestamp
    datacontenttype: Literal["application/json"] = "application/json"
    correlationid: Id
    causationid: Id


class OfferDecided(Envelope, frozen=True, kw_only=True, gc=False):
    """An offer was made; show it until ``expirytime`` unless it is revoked before."""

    type: Literal["offer.decided"] = "offer.decided"
    data: OfferData
    expirytime: Timestamp


class OfferRevoked(Envelope, frozen=True, kw_only=True, gc=False):
    """An offer no longer stands, for example because its visitor has bought without it."""

    type: Literal["offer.revoked"] = "offer.revoked"
    data: EndedOfferData


class OfferExpired(Envelope, frozen=True, kw_only=True, gc=False):
    """An offer ended unused."""

    type: Literal["offer.expired"] = "offer.expired"
    data: EndedOfferData


class OfferRedeemed(Envelope, frozen=True, kw_only=True, gc=False):
    """An offer was used."""

    type: Literal["offer.redeemed"] = "offer.redeemed"
    data: EndedOfferData


OfferRecord = OfferDecided | OfferRedeemed | OfferRevoked | OfferExpired
OFFER_RECORDS: Final[dict[str, type[OfferRecord]]] = {
    "offer.decided": OfferDecided,
    "offer.redeemed": OfferRedeemed,
    "offer.revoked": OfferRevoked,
    "offer.expired": OfferExpired,
}


class _Typed(msgspec.Struct, gc=False):
    type: str


_type_of: Final = msgspec.json.Decoder(_Typed).decode
_decoders: Final = {name: decoder(kind) for name, kind in OFFER_RECORDS.items()}


def read_offer_record(value: bytes) -> OfferRecord:
    """Return the record of the offers topic in some bytes; raises as ``schemas.records.decoder`` says."""
    kind = _type_of(value).type
    if kind not in _decoders:
        raise msgspec.ValidationError(f"type must be one of {', '.join(_decoders)}; got {kind!r}")
    return _decoders[kind](value)
