"""A decision as its ledger had it, from the records that were published of it."""

from collections.abc import Mapping
from typing import Final

import msgspec

from operators.decisions.decision_record import codes_of
from operators.decisions.ledger import MAX_SKUS, NO_COST, DecisionTerms, LedgerEntry
from operators.decisions.reward import cost_rule
from operators.streaming.messages import Line, Moment
from schemas.decisions import Decision
from schemas.offers import OfferDecided, read_offer_record
from schemas.records import Timestamp
from schemas.shop import NO_OFFER, Offer

UNPUBLISHED: Final = frozenset({"shadow", "rollout"})
"""Reasons for which no offer was made whatever was drawn."""

UNRECORDED: Final = "unrecorded"
"""The reason of a decision of which the offer alone was published before the state was lost."""

_ENCODER: Final = msgspec.msgpack.Encoder()


def published_entry(
    seq: int, record: Decision, decided: bytes, offered: bytes | None, offers: Mapping[str, Offer]
) -> LedgerEntry:
    """Return the entry of a decision, from its record and that of its offer, None where there is none.

    What is in no record is taken from ``offers`` as they are now: what the arm costs, its codes, the products
    that it needs. Times have microseconds. The trace is lost; of the cart there is what its offer shows. An
    offer without a record was not published, and is not later.
    """
    offer = offers.get(record.arm)
    made = None if offered is None else read_offer_record(offered)
    shown = made if isinstance(made, OfferDecided) else None
    is_made = record.offer_id is not None
    at_s = record.at.seconds
    lines = () if shown is None else shown.data.cart.items
    needed = () if offer is None or not is_made else offer.skus
    skus = tuple(dict.fromkeys((*needed, *(line.sku for line in lines if line.sku))))[:MAX_SKUS]
    terms = DecisionTerms(
        decision=record.decision_id,
        moment=record.moment_id,
        at_s=at_s,
        visitor=record.visitor_id,
        cart=record.cart_id,
        arm=record.arm,
        group="holdout" if record.holdout else "policy",
        treated=is_made,
        is_trainable=record.is_trainable,
        window_ends_s=record.window_ends_at.seconds,
        expires_s=None if record.expires_at is None else record.expires_at.seconds,
        cost=NO_COST if offer is None else cost_rule(offer),
        user=record.user_id,
        codes=codes_of(offer) if is_made else None,
        published_s=None if record.publish_at is None or offered is None else record.publish_at.seconds,
        skus=skus if is_made else (),
    )
    moment = Moment(
        at_s=at_s,
        visitor=record.visitor_id,
        id=record.moment_id,
        market=record.market,
        kind=record.trigger,
        cart=record.cart_id,
        cart_value=record.cart_value,
        lines=tuple(Line(line.sku or "", line.quantity, line.price, line.category) for line in lines),
        features={},
        user=record.user_id,
        session=None if shown is None else shown.data.session_id,
        read_s=None,
        sent_s=None,
        lines_left_out=record.lines_left_out,
        partial=record.partial,
        timezone=None if shown is None else shown.data.timezone,
        locale=None if shown is None else shown.data.locale,
        cart_url=None if shown is None else shown.data.cart.url,
    )
    return LedgerEntry(
        seq=seq,
        terms=terms,
        none_probability=_none_probability(record),
        features=record.features,
        decided=decided,
        offered=offered,
        since_s=None,
        moment=_ENCODER.encode(moment),
    )


def decision_of_offer(offer: OfferDecided, window_s: float) -> Decision:
    """Return what an offer tells of its decision, whose own record was lost with the worker.

    What it was chosen from, and whom it was randomised with, nobody knows: nothing is learned from it.
    """
    data = offer.data
    return Decision(
        decision_id=data.decision_id,
        moment_id=data.moment_id,
        visitor_id=data.visitor_id,
        user_id=data.user_id,
        market=data.market,
        at=data.at,
        cart_id=data.cart.id,
        cart_value=data.cart.value,
        trigger=data.trigger,
        features={"abandonment": data.abandonment},
        abandonment=data.abandonment,
        eligible=(data.treatment.name,),
        removed={},
        probabilities={data.treatment.name: data.propensity},
        arm=data.treatment.name,
        propensity=data.propensity,
        holdout=False,
        unit_id=None,
        assignment=None,
        assigned_at=None,
        holdout_share=None,
        conflict=False,
        shadow=False,
        is_trainable=False,
        reason=UNRECORDED,
        offer_id=data.offer_id,
        policy=data.policy,
        policy_version=data.policy_version,
        model=data.model,
        model_version=data.model_version,
        expires_at=data.expires_at,
        window_ends_at=Timestamp(data.at.seconds + window_s),
        controls_version=data.controls_version,
        publish_at=offer.time,
    )


def _none_probability(record: Decision) -> float:
    """Return the probability that no offer was made; earlier versions do not tell that of the holdout."""
    if record.no_offer_probability is not None:
        return record.no_offer_probability
    if record.holdout or record.reason in UNPUBLISHED or record.holdout_share is None:
        return 1.0
    share = record.holdout_share
    return share + (1.0 - share) * record.probabilities.get(NO_OFFER, 0.0)
