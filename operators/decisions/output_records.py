"""The records that leave a market, ready for their topic. Their shapes are declared in ``schemas``."""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from operators.abandonment.drift import Drift as DriftFound
from operators.decisions.cart_treatments import OutcomeTreatment
from operators.decisions.ledger import DecisionTerms, LedgerEntry
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.reward import OrderReward
from operators.decisions.selection import Prediction
from operators.streaming.ids import name_of
from operators.streaming.messages import (
    CartOutcome,
    Moment,
    Order,
    OrderCancellation,
    OrderRefund,
    OrderUpdate,
    OutputRecord,
    PersonErased,
    Trace,
)
from schemas.decisions import DecisionRecord, Drift, Outcome, Reward, Score, VisitorErased
from schemas.message import Header
from schemas.offers import EndedOfferData, OfferExpired, OfferRedeemed, OfferRevoked
from schemas.records import Timestamp, encode


class OutcomeTraining(NamedTuple):
    """How the outcome of a cart trained the model: its weight, the prediction and the updates before."""

    weight: float | None
    predicted: float | None
    version: int


class ModelState(NamedTuple):
    """The model that was monitored, after how many updates, and what a drift triggered in it."""

    name: str
    version: int
    triggered: str


CorrectionCause = Literal["order", "update", "refund", "cancellation"]
CORRECTION_CAUSES: Final[dict[type[Any], CorrectionCause]] = {
    OrderUpdate: "update",
    OrderRefund: "refund",
    OrderCancellation: "cancellation",
}


EndReason = Literal[
    "redeemed",
    "expired",
    "purchased",
    "out_of_stock",
    "budget_withdrawn",
    "consent_withdrawn",
    "second_offer",
    "paused",
    "killed",
    "erased",
]
ENDS: Final[dict[str, type[OfferRedeemed | OfferExpired]]] = {
    "redeemed": OfferRedeemed,
    "expired": OfferExpired,
}
"""Which record tells that an offer ended for a reason; for all others it was revoked."""


class Ending(NamedTuple):
    """How an offer ends: when, why, caused by which event, redeemed with which order."""

    at_s: float
    reason: EndReason
    cause: str
    order: str | None = None
    trace: Trace | None = None


class Correction(NamedTuple):
    """What corrects a reward: the order itself, or the ``number``-th revision of it, from one."""

    order: Order
    cause: CorrectionCause
    number: int


def decision_records(entry: LedgerEntry) -> list[OutputRecord]:
    """Return the records of a decision as the ledger has them: the decision, its offer unless it is held."""
    terms = entry.terms
    decided = OutputRecord(
        "decisions",
        "decision",
        terms.visitor,
        terms.decision,
        entry.decided,
        since_s=entry.since_s,
        headers=_traced(terms.trace),
    )
    return [decided, *offer_records(entry)] if terms.published_s == terms.at_s else [decided]


def offer_records(entry: LedgerEntry) -> list[OutputRecord]:
    """Return the record of the offer of a decision as the ledger has it, if one is made."""
    if entry.offered is None:
        return []
    terms = entry.terms
    return [
        OutputRecord(
            "offers",
            "offer.decided",
            terms.visitor,
            f"{terms.decision}-decided",
            entry.offered,
            since_s=entry.since_s if terms.published_s == terms.at_s else None,
            headers=_traced(terms.trace),
        )
    ]


def score_record(moment: Moment, prediction: Prediction) -> OutputRecord:
    """Return the Score record of a moment."""
    score = Score(
        moment_id=moment.id,
        visitor_id=moment.visitor,
        market=moment.market,
        at=Timestamp(moment.at_s),
        cart_id=moment.cart,
        cart_value=moment.cart_value,
        kind=moment.kind,  # type: ignore[arg-type]
        abandonment=prediction.score,
        model=prediction.model,
        model_version=prediction.version,
    )
    return _of_decisions("score", moment.visitor, f"{moment.id}-score", score, moment.trace)


def outcome_record(
    outcome: CartOutcome, treatment: OutcomeTreatment, training: OutcomeTraining
) -> OutputRecord:
    """Return the Outcome record of a cart."""
    record = Outcome(
        outcome_id=outcome.id,
        moment_id=outcome.moment,
        decision_id=treatment.decision,
        visitor_id=outcome.visitor,
        market=outcome.market,
        at=Timestamp(outcome.at_s),
        cart_id=outcome.cart,
        kind=outcome.kind,  # type: ignore[arg-type]
        treated=treatment.treated,
        weight=training.weight,
        abandonment=training.predicted,
        features=None if training.predicted is None else outcome.features,
        model_version=None if training.predicted is None else training.version,
    )
    return _of_decisions("outcome", outcome.visitor, outcome.id, record, outcome.trace)


def drift_record(outcome: CartOutcome, found: DriftFound, model: ModelState) -> OutputRecord:
    """Return the Drift record of a figure that moved, made certain by the outcome of a cart."""
    drift_id = name_of("drift", outcome.id, found.what)
    record = Drift(
        drift_id=drift_id,
        outcome_id=outcome.id,
        market=outcome.market,
        at=Timestamp(outcome.at_s),
        what=found.what,
        before=found.before,
        after=found.after,
        triggered=model.triggered,  # type: ignore[arg-type]
        model=model.name,
        model_version=model.version,
    )
    return _of_decisions("drift", outcome.market, drift_id, record, outcome.trace)


def window_record(
    decision: OpenDecision,
    market: str,
    cost: float,
    *,
    trained: float | None,
    cut_short_s: float | None = None,
) -> OutputRecord:
    """Return the Reward record of a decision whose window has ended; ``trained`` as in ``trained_profit``.

    ``cut_short_s`` is when it ended before its time, with the erasure of its person.
    """
    terms, earned = decision.terms, decision.earnings
    reward_id = f"{terms.decision}-window"
    reward = Reward(
        reward_id=reward_id,
        decision_id=terms.decision,
        moment_id=terms.moment,
        visitor_id=terms.visitor,
        market=market,
        at=Timestamp(terms.window_ends_s if cut_short_s is None else cut_short_s),
        arm=terms.arm,
        kind="window",
        profit=earned.money.margin - cost,
        trained_profit=trained,
        margin=earned.money.margin,
        cost=cost,
        orders=tuple(each.order for each in earned.orders),
        ordered_at=tuple(Timestamp(each.at_s) for each in earned.orders),
        order_profits=tuple(earned.order_profits(terms)),
        holdout=terms.group == "holdout",
        shown=earned.shown,
        clicked=earned.clicked,
        redeemed=earned.redeemed,
        partial=earned.partial,
        cut_short=cut_short_s is not None,
    )
    return _of_decisions("reward", terms.visitor, reward_id, reward, terms.trace)


def correction_record(
    terms: DecisionTerms, market: str, correction: Correction, earned: OrderReward, *, trained: float | None
) -> OutputRecord:
    """Return the Reward record of what came after the window of a decision: an order, or its revision.

    ``trained`` is as in ``trained_profit``.
    """
    order, number = correction.order, correction.number
    reward_id = f"{terms.decision}-correction-{order.order}{f'-{number}' if number else ''}"
    reward = Reward(
        reward_id=reward_id,
        decision_id=terms.decision,
        moment_id=terms.moment,
        visitor_id=terms.visitor,
        market=market,
        at=Timestamp(order.at_s),
        arm=terms.arm,
        kind="correction",
        cause=correction.cause,
        profit=earned.profit,
        trained_profit=trained,
        margin=earned.margin,
        cost=earned.cost,
        orders=(order.order,),
        ordered_at=(Timestamp(order.own_s),),
        order_profits=(earned.profit,),
        holdout=terms.group == "holdout",
        shown=False,
        clicked=False,
        redeemed=False,
        partial=order.partial,
    )
    return _of_decisions("reward", terms.visitor, reward_id, reward, order.trace)


def erased_record(
    event: PersonErased, visitors: Sequence[str], decisions: int, cut_short: int
) -> OutputRecord:
    """Return the Erased record of a person."""
    erasure_id = name_of("erasure", event.market, event.id, event.visitor)
    record = VisitorErased(
        erasure_id=erasure_id,
        market=event.market,
        at=Timestamp(event.at_s),
        visitor_id=event.visitor or None,
        user_id=event.user,
        visitor_ids=tuple(visitors),
        decisions=decisions,
        cut_short=cut_short,
    )
    key = event.visitor or event.user or event.market
    return _of_decisions("erasure", key, erasure_id, record, event.trace)


def ended_offer_record(terms: DecisionTerms, market: str, ending: Ending) -> OutputRecord:
    """Return the record of an offer that is over: offer.redeemed, offer.expired or offer.revoked.

    However an offer ends, its end has the same id: one that was published before a crash stands, whatever is
    read first afterwards.
    """
    at = Timestamp(ending.at_s)
    event = ENDS.get(ending.reason, OfferRevoked)(
        id=f"{terms.decision}-ended",
        source=f"offerstream/{market}",
        subject=terms.visitor,
        time=at,
        correlationid=terms.moment,
        causationid=ending.cause,
        data=EndedOfferData(
            offer_id=terms.decision,
            decision_id=terms.decision,
            moment_id=terms.moment,
            visitor_id=terms.visitor,
            user_id=terms.user,
            market=market,
            at=at,
            reason=ending.reason,
            order_id=ending.order,
        ),
    )
    return OutputRecord(
        "offers", event.type, terms.visitor, event.id, encode(event), headers=_traced(ending.trace)
    )


def _of_decisions(
    kind: str, key: str, record_id: str, record: DecisionRecord, trace: Trace | None = None
) -> OutputRecord:
    return OutputRecord("decisions", kind, key, record_id, encode(record), headers=_traced(trace))


def _traced(trace: Trace | None) -> tuple[Header, ...]:
    return () if trace is None else trace.headers()
