"""A decision as it is written down: the ledger's entry, with the very records that are published of it."""

from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from operators.decisions.contributions import NO_BASIS, Basis
from operators.decisions.ledger import MAX_SKUS, NO_COST, CodeRule, DecisionTerms, LedgerEntry
from operators.decisions.offer_record import OfferDetails, offer_decided
from operators.decisions.reward import cost_rule
from operators.decisions.selection import DecisionPoint, Selection
from operators.streaming.messages import Moment
from schemas.calendar import end_s
from schemas.decisions import Decision
from schemas.records import Timestamp, encode
from schemas.shop import Market, Offer

_ENCODER: Final = msgspec.msgpack.Encoder()


def decide(  # noqa: PLR0913  one for each of what a record says
    seq: int,
    point: DecisionPoint,
    chosen: Selection,
    market: Market,
    details: OfferDetails,
    *,
    basis: Basis = NO_BASIS,
) -> tuple[LedgerEntry, Decision]:
    """Return the ledger's entry of what was chosen at a decision point, and its Decision record.

    In shadow mode no offer is made of it; else ``details`` are in its record. ``basis`` is what it came from.
    """
    moment, offer = point.moment, chosen.offer
    made = None if chosen.stage == "shadow" else offer
    expires_s = None if made is None else _expires_s(made, chosen.publish_s, market)
    publish_s = None if made is None else chosen.publish_s
    window_ends_s = moment.at_s + chosen.window_s
    unit = chosen.unit
    at = Timestamp(moment.at_s)  # one for all that is the same time: its text is made once
    record = Decision(
        decision_id=point.decision,
        moment_id=moment.id,
        visitor_id=moment.visitor,
        user_id=moment.user,
        market=market.name,
        at=at,
        cart_id=moment.cart,
        cart_value=moment.cart_value,
        lines_left_out=moment.lines_left_out,
        partial=moment.partial,
        trigger=moment.kind,  # type: ignore[arg-type]
        features=point.context,
        abandonment=point.prediction.score,
        eligible=tuple(chosen.eligible),
        removed=chosen.removed,
        probabilities=chosen.probabilities,
        arm=chosen.arm,
        propensity=chosen.probabilities[chosen.arm],
        holdout=unit is not None and unit.held_out,
        unit_id=None if unit is None else unit.unit,
        assignment=None if unit is None else unit.group,  # type: ignore[arg-type]
        assigned_at=None if unit is None else at if unit.at_s == at.seconds else Timestamp(unit.at_s),
        holdout_share=None if unit is None else unit.share,
        no_offer_probability=chosen.none_probability,
        conflict=unit is not None and unit.conflict,
        shadow=chosen.stage == "shadow",
        is_trainable=chosen.reason is None,
        reason=chosen.reason,
        offer_id=None if expires_s is None else point.decision,
        policy=chosen.policy,
        policy_version=chosen.version,
        model=point.prediction.model,
        model_version=point.prediction.version,
        expires_at=None if expires_s is None else Timestamp(expires_s),
        window_ends_at=Timestamp(window_ends_s),
        controls_version=details.controls_version,
        stage=chosen.stage,
        canary=chosen.canary,
        surcharges=chosen.surcharges,
        publish_at=None if publish_s is None else at if publish_s == at.seconds else Timestamp(publish_s),
        score_contributions=basis.score_contributions,
        expected=basis.expected,
        uplift_of=basis.uplift_of,
        uplift_contributions=basis.uplift_contributions,
    )
    terms = DecisionTerms(
        decision=point.decision,
        moment=moment.id,
        at_s=moment.at_s,
        visitor=moment.visitor,
        cart=moment.cart,
        arm=chosen.arm,
        group="holdout" if record.holdout else "policy",
        treated=made is not None,
        is_trainable=record.is_trainable,
        window_ends_s=window_ends_s,
        expires_s=expires_s,
        cost=NO_COST if offer is None else cost_rule(offer),
        user=moment.user,
        codes=codes_of(made),
        published_s=publish_s,
        trace=moment.trace,
        skus=_skus(moment, made),
    )
    entry = LedgerEntry(
        seq=seq,
        terms=terms,
        none_probability=chosen.none_probability,
        features=point.context,
        decided=encode(record),
        offered=None if made is None else encode(offer_decided(record, moment, made, market, details)),
        since_s=moment.read_s if moment.sent_s is None else moment.sent_s,
        moment=_ENCODER.encode(replace(moment, features={})),
    )
    return entry, record


def _expires_s(offer: Offer, publish_s: float, market: Market) -> float:
    """Return when an offer expires: no later than its campaign ends."""
    expires_s = publish_s + offer.expires_after.total_seconds()
    if offer.ends is None:
        return expires_s
    return max(publish_s, min(expires_s, end_s(offer.ends, ZoneInfo(market.timezone))))


def _skus(moment: Moment, offer: Offer | None) -> tuple[str, ...]:
    """Return the products that an offer is on: those it needs, then those of the cart."""
    if offer is None:
        return ()
    skus = dict.fromkeys([*offer.skus, *[line.sku for line in moment.lines if line.sku]])
    return tuple(skus)[:MAX_SKUS]


def codes_of(offer: Offer | None) -> CodeRule | None:
    """Return which codes redeem an offer, None where none do."""
    return None if offer is None or offer.codes == (None, None) else CodeRule(*offer.codes)
