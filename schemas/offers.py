"""What marketing reads on the offers topic: CloudEvents 1.0 in structured JSON, keyed by visitor.

An offer is decided once and ends once: redeemed, expired or revoked. What has a default is missing in records
of earlier versions.
"""

from typing import Annotated, Final, Literal

import msgspec

from schemas.events import MAX_AMOUNT, MAX_PIECES, MomentKind
from schemas.records import Currency, Id, Money, Name, Probability, Record, Timestamp, decoder
from schemas.rules import Channel
from schemas.shop import Attribute, OfferKind

Price = Annotated[float, msgspec.Meta(ge=0.0, le=MAX_AMOUNT)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MAX_PIECES)]


class OfferCartItem(Record, frozen=True, kw_only=True, gc=False):
    """One line of the cart that the offer is about; price per piece, null where no event gave it.

    ``sku`` is null where a line is no product. ``title``, ``url`` and ``image`` are those of the catalog,
    null where it does not know them.
    """

    sku: Id | None
    price: Price | None
    quantity: Quantity
    category: str | None
    title: str | None = None
    url: str | None = None
    image: str | None = None


class OfferCart(Record, frozen=True, kw_only=True, gc=False):
    """The cart as it was at the moment of the decision.

    ``items`` are at most a hundred lines; ``value`` is that of all, those of ``lines_left_out`` included.
    ``partial``: some of its lines could not be read as the shop wrote them. ``url`` is where the shopper
    finds it, null where neither an event nor the offers file says so.
    """

    id: Id
    value: Money
    currency: Currency
    items: tuple[OfferCartItem, ...]
    lines_left_out: int = 0
    partial: bool = False
    url: str | None = None


class Promotion(Record, frozen=True, kw_only=True, gc=False):
    """What the shopper enters at the checkout: this code, or one from the list of this name."""

    code: str | None
    pool: str | None


class Terms(Record, frozen=True, kw_only=True, gc=False):
    """The conditions: the least cart value, the most it takes off, whether other offers may be added."""

    min_cart_value: Price = 0.0
    max_discount: Price | None = None
    combinable: bool | None = None


class Treatment(Record, frozen=True, kw_only=True, gc=False):
    """What is offered, as the shop's offers file has it.

    ``currency`` is that of its amounts: of ``terms``, and of ``value`` unless that is in percent. ``test``:
    made to try something out, not for shoppers. ``disclosure`` is the market's text to be shown beside the
    offer. ``attributes`` are the shop's own.
    """

    name: Name
    kind: OfferKind
    value: Price
    channel: Channel
    promotion: Promotion | None = None
    currency: Currency | None = None
    terms: Terms | None = None
    priority: int | None = None
    test: bool = False
    disclosure: str | None = None
    attributes: dict[str, Attribute] = msgspec.field(default_factory=dict)


class OfferConsent(Record, frozen=True, kw_only=True, gc=False):
    """What a person said about a channel, when, and where it was heard: in an event or from controls."""

    granted: bool
    at: Timestamp
    source: str


class OfferData(Record, frozen=True, kw_only=True, gc=False):
    """The offer and why it was made.

    ``abandonment`` is the predicted probability that the cart is left; ``propensity`` the one with which this
    treatment was drawn. Show it from ``not_before`` on, null for at once. ``consent`` has the one that was
    looked at, by channel; empty where none is known. ``expected_profit`` is what the policy expects of the
    treatment in the market's currency, ``uplift`` how much more than of no offer; null where it does not say.
    ``controls_version`` counts the changes of the controls that were in force.
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
    locale: str | None = None
    timezone: str | None = None
    not_before: Timestamp | None = None
    consent: dict[str, OfferConsent] = msgspec.field(default_factory=dict)
    expected_profit: float | None = None
    uplift: float | None = None
    controls_version: int = 0


class EndedOfferData(Record, frozen=True, kw_only=True, gc=False):
    """The offer that no longer stands, why, and with which order it was redeemed, where one did."""

    offer_id: Id
    decision_id: Id
    moment_id: Id
    visitor_id: Id
    user_id: Id | None = None
    market: Name
    at: Timestamp
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    order_id: Id | None = None


class Envelope(Record, frozen=True, kw_only=True, gc=False):
    """The CloudEvents attributes of every offer record.

    ``source`` is offerstream/market, ``subject`` the visitor, ``correlationid`` the moment that led to the
    offer and ``causationid`` what caused the record: the decision, or what ended the offer, such as an
    order's event. ``id`` has letters, digits and hyphens only.
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
    """An offer was made; show it until ``expirytime`` unless it ends before."""

    type: Literal["offer.decided"] = "offer.decided"
    data: OfferData
    expirytime: Timestamp


class OfferRedeemed(Envelope, frozen=True, kw_only=True, gc=False):
    """An offer was used."""

    type: Literal["offer.redeemed"] = "offer.redeemed"
    data: EndedOfferData


class OfferExpired(Envelope, frozen=True, kw_only=True, gc=False):
    """An offer ended unused."""

    type: Literal["offer.expired"] = "offer.expired"
    data: EndedOfferData


class OfferRevoked(Envelope, frozen=True, kw_only=True, gc=False):
    """An offer no longer stands: take it down and send nothing.

    Its reason is purchased, out_of_stock, budget_withdrawn, consent_withdrawn, second_offer, paused, killed
    or erased.
    """

    type: Literal["offer.revoked"] = "offer.revoked"
    data: EndedOfferData


EndedOffer = OfferRedeemed | OfferExpired | OfferRevoked
OfferRecord = OfferDecided | EndedOffer
OFFER_RECORDS: Final[dict[str, type[OfferRecord]]] = {
    "offer.decided": OfferDecided,
    "offer.redeemed": OfferRedeemed,
    "offer.expired": OfferExpired,
    "offer.revoked": OfferRevoked,
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
