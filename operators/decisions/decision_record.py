"""A decision as it is written down: the ledger's entry, with the very records that are published of it."""

from typing import Any, Final

import orjson

from operators.decisions.ledger import Charge, Entry
from operators.decisions.output_records import cart_of, offer_event, rfc3339, treatment
from operators.decisions.selection import Chosen, DecisionSettings, Occasion
from operators.streaming.messages import Moment
from schemas.shop import Market, Offer

_IN_BOTH: Final = (
    *("offer_id", "decision_id", "moment_id", "visitor_id", "user_id", "market", "at", "expires_at"),
    *("trigger", "abandonment", "propensity", "policy", "policy_version", "model", "model_version"),
)


def entry_of(seq: int, on: Occasion, chosen: Chosen, market: Market, settings: DecisionSettings) -> Entry:
    """Return the entry of what was chosen on an occasion; a shadow makes no offer of it."""
    moment, offer = on.moment, chosen.offer
    made = None if settings.shadow else offer
    expires_s = None if made is None else moment.at_s + made.expires_after.total_seconds()
    decided = _decided(on, chosen, market, settings, expires_s)
    return Entry(
        seq,
        on.decision,
        moment.id,
        moment.at_s,
        moment.visitor,
        moment.cart,
        chosen.arm,
        "holdout" if decided["holdout"] else "policy",
        made is not None,
        decided["teaches"],
        chosen.none_probability,
        moment.at_s + chosen.window_s,
        expires_s,
        Charge() if offer is None else Charge(offer.cost.charged, offer.cost.share, offer.cost.fixed),
        on.context,
        orjson.dumps(decided),
        None if made is None else orjson.dumps(_offered(moment, made, decided, market)),
        moment.read_s if moment.sent_s is None else moment.sent_s,
    )


def _decided(
    on: Occasion, chosen: Chosen, market: Market, settings: DecisionSettings, expires_s: float | None
) -> dict[str, Any]:
    """Return the Decision record; ``expires_s`` is None where no offer is made."""
    moment, scored, unit = on.moment, on.scored, chosen.unit
    return {
        "type": "decision",
        "decision_id": on.decision,
        "moment_id": moment.id,
        "visitor_id": moment.visitor,
        "user_id": moment.user,
        "market": market.name,
        "at": rfc3339(moment.at_s),
        "cart_id": moment.cart,
        "cart_value": moment.cart_value,
        "trigger": moment.kind,
        "features": on.context,
        "abandonment": scored.score,
        "eligible": chosen.eligible,
        "removed": chosen.removed,
        "probabilities": chosen.probabilities,
        "arm": chosen.arm,
        "propensity": chosen.probabilities[chosen.arm],
        "holdout": unit is not None and unit.held_out,
        "unit_id": None if unit is None else unit.unit,
        "assignment": None if unit is None else unit.group,
        "assigned_at": None if unit is None else rfc3339(unit.at_s),
        "holdout_share": None if unit is None else unit.share,
        "conflict": unit is not None and unit.conflict,
        "shadow": settings.shadow,
        "teaches": chosen.reason is None,
        "reason": chosen.reason,
        "offer_id": None if expires_s is None else on.decision,
        "policy": settings.policy,
        "policy_version": chosen.version,
        "model": scored.model,
        "model_version": scored.version,
        "expires_at": None if expires_s is None else rfc3339(expires_s),
        "window_ends_at": rfc3339(moment.at_s + chosen.window_s),
    }


def _offered(moment: Moment, offer: Offer, decided: dict[str, Any], market: Market) -> dict[str, Any]:
    """Return the offer.decided record of an offer that is made."""
    data = {name: decided[name] for name in _IN_BOTH}
    data["session_id"] = moment.session
    data["cart"] = cart_of(moment, market.currency)
    data["treatment"] = treatment(offer)
    event = offer_event("offer.decided", market.name, moment.id, decided["decision_id"], data)
    event["expirytime"] = decided["expires_at"]
    return event
