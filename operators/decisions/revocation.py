"""How an offer ends: revoked by a purchase, or expired. Each offer ends once."""

from collections.abc import Sequence

from operators.decisions.open_decisions import OpenDecision, OpenDecisions
from operators.decisions.output_records import ended_offer_record
from operators.decisions.reward import redeems
from operators.streaming.messages import CartBought, Order, OutputRecord


def revoke_offers(
    order: Order | CartBought, held: Sequence[OpenDecision], open_decisions: OpenDecisions
) -> list[OutputRecord]:
    """Revoke the offers that a buyer still holds; the reason tells those redeemed with this order apart."""
    records = []
    for each in held:
        if each.offer_open:
            each.offer_open = False
            redeemed = isinstance(order, Order) and redeems(order, each.terms)
            reason = "redeemed" if redeemed else "purchased"
            records.append(
                ended_offer_record(
                    each.terms, market=order.market, at_s=order.at_s, reason=reason, cause=order.id
                )
            )
            open_decisions.changed(each)
    return records


def expire_offer(decision: OpenDecision, market: str, before_s: float) -> list[OutputRecord]:
    """Let the offer of a decision expire if its time was over before ``before_s``."""
    terms = decision.terms
    if not decision.offer_open or terms.expires_s is None or terms.expires_s >= before_s:
        return []
    decision.offer_open = False
    return [
        ended_offer_record(terms, market=market, at_s=terms.expires_s, reason="expired", cause=terms.decision)
    ]
