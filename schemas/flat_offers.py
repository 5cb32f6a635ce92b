"""Offer records on one level, for tools that take only scalars: no null, no list, no object.

What is not known is left out. Lines of the cart are ``item_1_sku`` to ``item_10_price``; the shop's own
attributes are ``attribute_NAME``.
"""

from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from schemas.events import MomentKind
from schemas.offers import (
    EndedOffer,
    OfferCart,
    OfferCartItem,
    OfferDecided,
    OfferRecord,
    Price,
    Quantity,
)
from schemas.records import Currency, Id, Money, Name, Probability, Record, Timestamp, json_schema
from schemas.rules import Channel
from schemas.shop import Attribute, OfferKind

MOST_ITEMS: Final = 10
PlainId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9-]+$", max_length=200)]
"""An id that every marketing tool takes."""

T = TypeVar("T")


class FlatOffer(Record, frozen=True, kw_only=True, gc=False):
    """What all flat records have."""

    event_id: PlainId
    event_type: str
    offer_id: PlainId
    decision_id: PlainId
    moment_id: PlainId
    visitor_id: Id
    user_id: Id | UnsetType = UNSET
    market: Name
    at: Timestamp


class FlatOfferDecided(FlatOffer, frozen=True, kw_only=True, gc=False):
    """An offer was made: offer.decided on one level."""

    event_type: Literal["offer.decided"] = "offer.decided"
    expires_at: Timestamp
    not_before: Timestamp | UnsetType = UNSET
    trigger: MomentKind
    session_id: Id | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    offer_name: Name
    offer_kind: OfferKind
    offer_value: Price
    offer_currency: Currency | UnsetType = UNSET
    offer_channel: Channel
    offer_priority: int | UnsetType = UNSET
    offer_test: bool
    offer_disclosure: str | UnsetType = UNSET
    promotion_code: str | UnsetType = UNSET
    promotion_pool: str | UnsetType = UNSET
    min_cart_value: Price | UnsetType = UNSET
    max_discount: Price | UnsetType = UNSET
    combinable: bool | UnsetType = UNSET
    cart_id: Id
    cart_value: Money
    cart_currency: Currency
    cart_lines: int
    cart_partial: bool
    cart_url: str | UnsetType = UNSET
    consent_granted: bool | UnsetType = UNSET
    consent_at: Timestamp | UnsetType = UNSET
    consent_source: str | UnsetType = UNSET
    abandonment: Probability
    propensity: Probability
    expected_profit: float | UnsetType = UNSET
    uplift: float | UnsetType = UNSET
    policy: str
    policy_version: int
    model: str
    model_version: int
    controls_version: int


class FlatOfferEnded(FlatOffer, frozen=True, kw_only=True, gc=False):
    """An offer is over: offer.redeemed, offer.expired or offer.revoked on one level."""

    event_type: Literal["offer.redeemed", "offer.expired", "offer.revoked"]
    reason: str
    order_id: Id | UnsetType = UNSET


class FlatItem(Record, frozen=True, kw_only=True, gc=False):
    """What is told of a line of the cart, each under ``item_N_`` and its name."""

    sku: Id | UnsetType = UNSET
    title: str | UnsetType = UNSET
    quantity: Quantity
    price: Price | UnsetType = UNSET
    category: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    image: str | UnsetType = UNSET


def flat(record: OfferRecord) -> dict[str, Attribute]:
    """Return a record of the offers topic on one level."""
    if not isinstance(record, OfferDecided):
        return _scalars(_ended(record))
    return {
        **_scalars(_decided(record)),
        **_items(record.data.cart),
        **{f"attribute_{name}": value for name, value in record.data.treatment.attributes.items()},
    }


def flat_schema() -> dict[str, Any]:
    """Return the JSON Schema of what ``flat`` returns: it holds every value to a scalar."""
    schema = json_schema(FlatOfferDecided, FlatOfferEnded)
    for kind in (FlatOfferDecided, FlatOfferEnded):
        part = schema["$defs"][kind.__name__]
        required = (each.name for each in msgspec.structs.fields(kind) if each.required)
        part["required"] = list(dict.fromkeys(("event_type", *required)))
        part["additionalProperties"] = False
        for each in part["properties"].values():
            each.pop("default", None)
    lines = "|".join(str(number) for number in range(1, MOST_ITEMS + 1))
    schema["$defs"]["FlatOfferDecided"]["patternProperties"] = {
        **{f"^item_({lines})_{name}$": each for name, each in json_schema(FlatItem)["properties"].items()},
        "^attribute_[a-z][a-z0-9_]{0,63}$": {"type": ["string", "boolean", "number"]},
    }
    return schema


def _decided(record: OfferDecided) -> FlatOfferDecided:
    data, cart, treatment = record.data, record.data.cart, record.data.treatment
    promotion, terms, consent = treatment.promotion, treatment.terms, data.consent.get(treatment.channel)
    return FlatOfferDecided(
        event_id=record.id,
        offer_id=data.offer_id,
        decision_id=data.decision_id,
        moment_id=data.moment_id,
        visitor_id=data.visitor_id,
        user_id=_known(data.user_id),
        market=data.market,
        at=data.at,
        expires_at=data.expires_at,
        not_before=_known(data.not_before),
        trigger=data.trigger,
        session_id=_known(data.session_id),
        locale=_known(data.locale),
        timezone=_known(data.timezone),
        offer_name=treatment.name,
        offer_kind=treatment.kind,
        offer_value=treatment.value,
        offer_currency=_known(treatment.currency),
        offer_channel=treatment.channel,
        offer_priority=_known(treatment.priority),
        offer_test=treatment.test,
        offer_disclosure=_known(treatment.disclosure),
        promotion_code=UNSET if promotion is None else _known(promotion.code),
        promotion_pool=UNSET if promotion is None else _known(promotion.pool),
        min_cart_value=UNSET if terms is None else terms.min_cart_value,
        max_discount=UNSET if terms is None else _known(terms.max_discount),
        combinable=UNSET if terms is None else _known(terms.combinable),
        cart_id=cart.id,
        cart_value=cart.value,
        cart_currency=cart.currency,
        cart_lines=len(cart.items) + cart.lines_left_out,
        cart_partial=cart.partial,
        cart_url=_known(cart.url),
        consent_granted=UNSET if consent is None else consent.granted,
        consent_at=UNSET if consent is None else consent.at,
        consent_source=UNSET if consent is None else consent.source,
        abandonment=data.abandonment,
        propensity=data.propensity,
        expected_profit=_known(data.expected_profit),
        uplift=_known(data.uplift),
        policy=data.policy,
        policy_version=data.policy_version,
        model=data.model,
        model_version=data.model_version,
        controls_version=data.controls_version,
    )


def _ended(record: EndedOffer) -> FlatOfferEnded:
    data = record.data
    return FlatOfferEnded(
        event_id=record.id,
        event_type=record.type,
        offer_id=data.offer_id,
        decision_id=data.decision_id,
        moment_id=data.moment_id,
        visitor_id=data.visitor_id,
        user_id=_known(data.user_id),
        market=data.market,
        at=data.at,
        reason=data.reason,
        order_id=_known(data.order_id),
    )


def _items(cart: OfferCart) -> dict[str, Attribute]:
    return {
        f"item_{number}_{name}": value
        for number, item in enumerate(cart.items[:MOST_ITEMS], 1)
        for name, value in _scalars(_item(item)).items()
    }


def _item(item: OfferCartItem) -> FlatItem:
    return FlatItem(
        sku=_known(item.sku),
        title=_known(item.title),
        quantity=item.quantity,
        price=_known(item.price),
        category=_known(item.category),
        url=_known(item.url),
        image=_known(item.image),
    )


def _known(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value


def _scalars(record: Record) -> dict[str, Attribute]:
    return dict(msgspec.to_builtins(record, enc_hook=str))
