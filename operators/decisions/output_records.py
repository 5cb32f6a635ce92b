"""The records that leave the market, as the bytes that are published. Their contract is in schemas/."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from operators.abandonment.drift import Drift
from operators.decisions.reward import OpenDecision
from operators.streaming.ids import name_of
from operators.streaming.messages import Fact, Moment, Outcome, OutputRecord
from schemas.shop import Offer


def rfc3339(at_s: float) -> str:
    """Return a time as RFC 3339 in UTC with microseconds.

    >>> rfc3339(1.5)
    '1970-01-01T00:00:01.500000Z'
    """
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def score_said(moment: Moment, score: float, model: str, version: int) -> OutputRecord:
    """Return the Score record of a moment."""
    value = {
        "type": "score",
        "moment_id": moment.id,
        "visitor_id": moment.visitor,
        "market": moment.market,
        "at": rfc3339(moment.at_s),
        "cart_id": moment.cart,
        "cart_value": moment.cart_value,
        "kind": moment.kind,
        "abandonment": score,
        "model": model,
        "model_version": version,
    }
    return decision_stream("score", moment.visitor, f"{moment.id}.score", value)


class Lesson(NamedTuple):
    """What the outcome of a cart taught: the weight, and what was predicted before; None where nothing.

    ``treated``: an offer preceded it. ``decision`` is the latest one for the cart.
    """

    treated: bool
    weight: float | None = None
    predicted: float | None = None
    decision: str | None = None


def outcome_said(outcome: Outcome, lesson: Lesson) -> OutputRecord:
    """Return the Outcome record of a cart."""
    value = {
        "type": "outcome",
        "outcome_id": outcome.id,
        "moment_id": outcome.moment,
        "decision_id": lesson.decision,
        "visitor_id": outcome.visitor,
        "market": outcome.market,
        "at": rfc3339(outcome.at_s),
        "cart_id": outcome.cart,
        "kind": outcome.kind,
        "treated": lesson.treated,
        "weight": lesson.weight,
        "abandonment": lesson.predicted,
    }
    return decision_stream("outcome", outcome.visitor, outcome.id, value)


class ModelAt(NamedTuple):
    """The model that was watched, after how many lessons, and what a drift triggered in it."""

    name: str
    version: int
    triggered: str


def drift_said(outcome: Outcome, drift: Drift, model: ModelAt) -> OutputRecord:
    """Return the Drift record of a figure that moved, made certain by the outcome of a cart."""
    drift_id = name_of("drift", outcome.id, drift.what)
    value = {
        "type": "drift",
        "drift_id": drift_id,
        "outcome_id": outcome.id,
        "market": outcome.market,
        "at": rfc3339(outcome.at_s),
        "what": drift.what,
        "before": drift.before,
        "after": drift.after,
        "triggered": model.triggered,
        "model": model.name,
        "model_version": model.version,
    }
    return decision_stream("drift", outcome.market, drift_id, value)


def window_said(market: str, closed: OpenDecision, cost: float) -> OutputRecord:
    """Return the Reward record of a decision whose window has ended."""
    return _reward_said(market, closed, closed.window_ends_s, f"{closed.decision}.window", {
        "kind": "window",
        "profit": closed.margin - cost,
        "margin": closed.margin,
        "cost": cost,
        "orders": [each.order for each in closed.orders],
        "ordered_at": [rfc3339(each.at_s) for each in closed.orders],
        "order_profits": closed.order_profits(),
    })  # fmt: skip


def correction_said(market: str, of: OpenDecision, order: Fact, earned: tuple[float, float]) -> OutputRecord:
    """Return the Reward record of an order that came after the window had ended; margin and cost of it."""
    margin, cost = earned
    name = order.order or order.id
    return _reward_said(market, of, order.at_s, f"{of.decision}.correction.{name}", {
        "kind": "correction",
        "profit": margin - cost,
        "margin": margin,
        "cost": cost,
        "orders": [name],
        "ordered_at": [rfc3339(order.own_s)],
        "order_profits": [margin - cost],
    })  # fmt: skip


def _reward_said(
    market: str, of: OpenDecision, at_s: float, reward_id: str, profit: dict[str, Any]
) -> OutputRecord:
    value = {
        "type": "reward",
        "reward_id": reward_id,
        "decision_id": of.decision,
        "moment_id": of.moment,
        "visitor_id": of.visitor,
        "market": market,
        "at": rfc3339(at_s),
        "arm": of.arm,
        **profit,
        "holdout": of.group == "holdout",
        "shown": of.shown,
        "clicked": of.clicked,
        "redeemed": of.redeemed,
    }
    return decision_stream("reward", of.visitor, reward_id, value)


def decision_stream(kind: str, visitor: str, record_id: str, value: dict[str, Any]) -> OutputRecord:
    """Return a record of the decisions stream, keyed by visitor."""
    return OutputRecord("decisions", kind, visitor, record_id, orjson.dumps(value))


def offered_said(visitor: str, decision: str, value: bytes, since_s: float | None) -> OutputRecord:
    """Return the offer.decided record of a decision."""
    return OutputRecord("offers", "offer.decided", visitor, f"{decision}.decided", value, since_s=since_s)


def offer_event(kind: str, market: str, moment: str, cause: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the CloudEvents 1.0 envelope of what happened to an offer; ``data`` is its content.

    However an offer ends, its end has the same id: one that was published before a crash stands, whatever is
    read first afterwards.
    """
    return {
        "specversion": "1.0",
        "id": f"{data['decision_id']}.{'decided' if kind == 'offer.decided' else 'ended'}",
        "source": f"offerstream/{market}",
        "type": kind,
        "subject": data["visitor_id"],
        "time": data["at"],
        "datacontenttype": "application/json",
        "correlationid": moment,
        "causationid": cause,
        "data": data,
    }


def expired_said(market: str, ended: OpenDecision, at_s: float) -> OutputRecord:
    """Return the offer.expired record of an offer nobody used in time."""
    return _ended_said("offer.expired", market, ended, at_s, "expired", ended.decision)


def revoked_said(market: str, ended: OpenDecision, order: Fact) -> OutputRecord:
    """Return the offer.revoked record of an offer whose visitor has ordered, with it or without it."""
    reason = "redeemed" if ended.decision in order.offers else "purchased"
    return _ended_said("offer.revoked", market, ended, order.at_s, reason, order.id)


def _ended_said(
    kind: str, market: str, ended: OpenDecision, at_s: float, reason: str, cause: str
) -> OutputRecord:  # noqa: PLR0913, PLR0917  the six facts of such a record
    data = {
        "offer_id": ended.decision,
        "decision_id": ended.decision,
        "moment_id": ended.moment,
        "visitor_id": ended.visitor,
        "market": market,
        "at": rfc3339(at_s),
        "reason": reason,
    }
    event = offer_event(kind, market, ended.moment, cause, data)
    return OutputRecord("offers", kind, ended.visitor, event["id"], orjson.dumps(event))


def treatment(offer: Offer) -> dict[str, Any]:
    """Return what marketing needs to know of an offer."""
    return {"name": offer.name, "kind": offer.kind, "value": offer.value, "channel": offer.channel}


def cart_of(moment: Moment, currency: str) -> dict[str, Any]:
    """Return the cart of a moment as an offer carries it."""
    return {
        "id": moment.cart,
        "value": moment.cart_value,
        "currency": currency,
        "items": [
            {"sku": line.sku, "price": line.price, "quantity": line.quantity, "category": line.category}
            for line in moment.lines
        ],
    }
