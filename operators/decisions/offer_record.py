"""The record of an offer as marketing reads it: what is offered, for which cart, and why."""

from collections.abc import Callable
from typing import Final, NamedTuple

from operators.bandits import Policy
from operators.decisions.rules import Situation
from operators.decisions.selection import Selection
from operators.streaming.messages import Line, Moment, Product
from schemas.decisions import Decision
from schemas.offers import (
    OfferCart,
    OfferCartItem,
    OfferConsent,
    OfferData,
    OfferDecided,
    Promotion,
    Terms,
    Treatment,
)
from schemas.records import Timestamp
from schemas.shop import NO_OFFER, Market, Offer

UNKNOWN: Final = Product()


class OfferDetails(NamedTuple):
    """What a decision knows of its offer beside the moment.

    ``not_before_s`` is when it may first be shown, None: at once. ``consent`` is that of its channel, None
    where nobody has said anything. ``expected_profit`` and ``uplift`` are as in the record. ``product`` looks
    up what the catalog says as of the moment.
    """

    not_before_s: float | None = None
    consent: OfferConsent | None = None
    expected_profit: float | None = None
    uplift: float | None = None
    product: Callable[[str], Product | None] = lambda _sku: None
    controls_version: int = 0


def offer_details(chosen: Selection, now: Situation, policy: Policy, controls_version: int) -> OfferDetails:
    """Return what is known of the offer that was chosen, where one was.

    ``policy`` is the one that learns. Before its first update, and where it does not estimate rewards,
    nothing is expected.
    """
    offer = chosen.offer
    if offer is None or chosen.stage == "shadow":
        return OfferDetails(controls_version=controls_version)
    given = now.consent(offer.channel)
    profit = uplift = None
    if policy.updates and policy.estimates_rewards:
        values = policy.values([offer.name, NO_OFFER], now.context)
        profit, uplift = values[offer.name], values[offer.name] - values[NO_OFFER]
    return OfferDetails(
        not_before_s=chosen.publish_s if chosen.publish_s > now.at_s else None,
        consent=None
        if given is None
        else OfferConsent(granted=given.granted, at=Timestamp(given.at_s), source=given.source),
        expected_profit=profit,
        uplift=uplift,
        product=now.product,
        controls_version=controls_version,
    )


def offer_decided(
    record: Decision, moment: Moment, offer: Offer, market: Market, details: OfferDetails
) -> OfferDecided:
    """Return the record of the offer that a decision makes; ValueError where the decision makes none."""
    if record.expires_at is None:
        raise ValueError(f"decision {record.decision_id} makes no offer")
    not_before_s = details.not_before_s
    data = OfferData(
        offer_id=record.decision_id,
        decision_id=record.decision_id,
        moment_id=record.moment_id,
        visitor_id=record.visitor_id,
        user_id=record.user_id,
        market=record.market,
        at=record.at,
        expires_at=record.expires_at,
        trigger=record.trigger,
        abandonment=record.abandonment,
        propensity=record.propensity,
        policy=record.policy,
        policy_version=record.policy_version,
        model=record.model,
        model_version=record.model_version,
        session_id=moment.session,
        cart=_cart(moment, market, details.product),
        treatment=_treatment(offer, market),
        locale=moment.locale,
        timezone=moment.timezone,
        not_before=None if not_before_s is None else Timestamp(not_before_s),
        consent={} if details.consent is None else {offer.channel: details.consent},
        expected_profit=details.expected_profit,
        uplift=details.uplift,
        controls_version=details.controls_version,
    )
    return OfferDecided(
        id=f"{record.decision_id}-decided",
        source=f"offerstream/{record.market}",
        subject=record.visitor_id,
        time=record.at,
        correlationid=record.moment_id,
        causationid=record.decision_id,
        data=data,
        expirytime=record.expires_at,
    )


def _cart(moment: Moment, market: Market, product: Callable[[str], Product | None]) -> OfferCart:
    return OfferCart(
        id=moment.cart,
        value=moment.cart_value,
        currency=market.currency,
        items=tuple([_item(line, product(line.sku) if line.sku else None) for line in moment.lines]),
        lines_left_out=moment.lines_left_out,
        partial=moment.partial,
        url=market.url_of_cart(moment.cart) if moment.cart_url is None else moment.cart_url,
    )


def _item(line: Line, product: Product | None) -> OfferCartItem:
    known = UNKNOWN if product is None else product
    return OfferCartItem(
        sku=line.sku or None,
        price=line.price,
        quantity=line.quantity,
        category=known.category if line.category is None else line.category,
        title=known.title,
        url=known.url,
        image=known.image,
    )


def _treatment(offer: Offer, market: Market) -> Treatment:
    codes = (offer.code, offer.code_pool)
    return Treatment(
        name=offer.name,
        kind=offer.kind,
        value=offer.value,
        channel=offer.channel,
        promotion=None if codes == (None, None) else Promotion(code=offer.code, pool=offer.code_pool),
        currency=market.currency,
        terms=Terms(
            min_cart_value=offer.min_cart_value,
            max_discount=offer.max_discount,
            combinable=offer.combinable,
        ),
        priority=offer.priority,
        test=offer.test,
        disclosure=market.disclosure,
        attributes=offer.attributes,
    )
