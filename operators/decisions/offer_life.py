"""The life of an offer: published at once or once it is no longer held, then ended, once."""

from collections.abc import Sequence
from typing import Final

from operators.decisions.ledger import DecisionTerms, Ledger, read_entry
from operators.decisions.open_decisions import OpenDecision, OpenDecisions
from operators.decisions.output_records import Ending, ended_offer_record, offer_records
from operators.decisions.reward import redeems
from operators.decisions.rules import RuleBook
from operators.streaming.messages import CartBought, Order, OutputRecord

PUBLISHED: Final = b"published"
WITHHELD: Final = b"withheld"


class OfferLife:
    """Publishes and ends the offers of one market; each ends once, and only what was published.

    What became of an offer that was held is remembered in the ledger's store, since a crash does not take a
    published record back: whatever is read first afterwards, what was published ends, and what was not stays
    unpublished.
    """

    def __init__(self, market: str, open_decisions: OpenDecisions, ledger: Ledger, rules: RuleBook) -> None:
        self._market = market
        self._open = open_decisions
        self._ledger = ledger
        self._rules = rules

    def publish(self, decision: OpenDecision, at_s: float) -> list[OutputRecord]:
        """Publish an offer that was held, unless it ended before."""
        if decision.published or not decision.offer_open:
            return []
        if self._fate(decision) == WITHHELD:
            self._withhold(decision, at_s)
            return []
        self._remember(decision, at_s, PUBLISHED)
        decision.published = True
        found = self._ledger.get(decision.terms.decision)
        return [] if found is None else offer_records(read_entry(found))

    def end(self, decision: OpenDecision, ending: Ending) -> list[OutputRecord]:
        """End the offer of a decision, if it is open."""
        if not decision.offer_open:
            return []
        records: list[OutputRecord] = []
        if not decision.published and self._fate(decision) == PUBLISHED:
            records += self.publish(decision, ending.at_s)
        if not decision.published:
            self._withhold(decision, ending.at_s)
            return records
        decision.offer_open = False
        ending = ending._replace(at_s=max(ending.at_s, _began_s(decision.terms)))
        self._rules.ended(decision, ending.at_s)
        return [*records, ended_offer_record(decision.terms, self._market, ending)]

    def expire(
        self, decision: OpenDecision, before_s: float, *, publishes: bool = True
    ) -> list[OutputRecord]:
        """Publish and expire the offer of a decision, as far as its times were over before ``before_s``.

        Not ``publishes``: what is still held stays so, since what was read may end it.
        """
        terms = decision.terms
        records: list[OutputRecord] = []
        if publishes and terms.published_s is not None and terms.published_s < before_s:
            records += self.publish(decision, terms.published_s)
        if terms.expires_s is not None and terms.expires_s < before_s:
            records += self.end(
                decision, Ending(terms.expires_s, "expired", terms.decision, None, terms.trace)
            )
        return records

    def revoke(self, decisions: Sequence[OpenDecision], ending: Ending) -> list[OutputRecord]:
        """End the open offers of some decisions alike."""
        records: list[OutputRecord] = []
        for each in decisions:
            if each.offer_open:
                records += self.end(each, ending)
                self._open.changed(each)
        return records

    def bought(self, order: Order | CartBought, held: Sequence[OpenDecision]) -> list[OutputRecord]:
        """End the offers that a buyer still holds; those redeemed with this order are told apart."""
        records: list[OutputRecord] = []
        revoked = Ending(order.at_s, "purchased", order.id, None, order.trace)
        for each in held:
            is_redeemed = isinstance(order, Order) and redeems(order, each.terms)
            redeemed = revoked._replace(reason="redeemed", order=order.order)
            records += self.revoke([each], redeemed if is_redeemed else revoked)
        return records

    def _withhold(self, decision: OpenDecision, at_s: float) -> None:
        """End an offer that nobody outside knows of."""
        self._remember(decision, at_s, WITHHELD)
        decision.offer_open = False
        decision.earnings.withheld = True
        self._rules.ended(decision, at_s)

    def _fate(self, decision: OpenDecision) -> bytes | None:
        return self._ledger.recall(_name(decision))

    def _remember(self, decision: OpenDecision, at_s: float, fate: bytes) -> None:
        if self._fate(decision) is None:
            self._ledger.remember(_name(decision), at_s, fate)


def _began_s(terms: DecisionTerms) -> float:
    """Return when an offer was published; what ends it may have happened earlier, and is read later."""
    return terms.at_s if terms.published_s is None else terms.published_s


def _name(decision: OpenDecision) -> str:
    return f"held {decision.terms.decision}"
