"""The decisions of one market: each is taken once, open until its window ends, and then learned from."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from operators.bandits.spec import policy_from_spec, restored_policy
from operators.decisions.cart_treatments import CartTreatment, CartTreatments, OutcomeTreatment
from operators.decisions.consents import Consents
from operators.decisions.crash_recovery import UnrecoveredDecisions
from operators.decisions.decision_record import decide
from operators.decisions.identities import Identities
from operators.decisions.ledger import Ledger, LedgerEntry, read_entry, visitor_name, write_entry
from operators.decisions.open_decisions import OpenDecision, OpenDecisions, open_decision
from operators.decisions.orders import BoughtCarts, OrderReport, Orders, Parts
from operators.decisions.output_records import decision_records, window_record
from operators.decisions.revocation import expire_offer, revoke_offers
from operators.decisions.rules import build_rules
from operators.decisions.rules.cooldown import Cooldowns
from operators.decisions.selection import Candidates, DecisionPoint, Prediction, select
from operators.decisions.settings import DecisionSettings
from operators.decisions.statistics import MarketStatistics
from operators.experiments.assignment import Assignments
from operators.streaming.ids import check_format, name_of
from operators.streaming.messages import (
    AnyFeedback,
    AnyOrderRevision,
    CartBought,
    CartOutcome,
    ConsentKnown,
    Moment,
    OfferClick,
    OfferRedemption,
    Order,
    OutputRecord,
    UserKnown,
)
from schemas.decisions import Decision, decode_decision
from schemas.shop import Market, Offer

FORMAT: Final = 4
FORGET_EVERY_S: Final = 10.0
"""How often, in event time, the ledger is trimmed."""
LEDGER_SLACK_S: Final = 86_400.0
"""The ledger keeps entries this much longer than a correction could still need them."""


class _State(msgspec.Struct, array_like=True, kw_only=True):
    format: int
    seq: int
    policy: str
    policy_state: bytes
    open: list[OpenDecision]
    cooldowns: dict[str, float]
    carts: dict[str, CartTreatment]
    forgot_s: float
    statistics: MarketStatistics
    unrecovered: list[str]
    bought: dict[str, BoughtCarts]


class MarketConfig(NamedTuple):
    """A market, its offers, and the ledger it remembers its decisions in."""

    market: Market
    offers: Sequence[Offer]
    ledger: Ledger


class DecisionMachine:
    """The decision machine of one market; what it emits is returned.

    Bounded as ``OpenDecisions``, ``UnrecoveredDecisions``, ``CartTreatments`` and ``Cooldowns`` are; the
    ledger by the correction period, its assignments as ``Assignments`` are. ``replaced_policy`` is the spec
    of the policy whose training was dropped because the settings name another one, None where it was kept.
    """

    def __init__(self, config: MarketConfig, settings: DecisionSettings, state: bytes | None = None) -> None:
        self.market = config.market
        self.statistics = MarketStatistics()
        self.policy = policy_from_spec(settings.policy, seed=settings.seed)
        self.replaced_policy: str | None = None
        self._candidates = Candidates({offer.name: offer for offer in config.offers}, build_rules(settings))
        self._ledger = config.ledger
        self._settings = settings
        self._assignments = Assignments(config.market.name, config.market.holdout, config.ledger)
        self._seq = 0
        self._open = OpenDecisions()
        self._unrecovered = UnrecoveredDecisions()
        self._cooldowns = Cooldowns()
        self._carts = CartTreatments()
        self._forgot_s = -math.inf
        self._identities = Identities(config.ledger)
        self.consents = Consents(config.ledger)
        bought = None
        if state is not None:
            was = msgspec.msgpack.decode(state, type=_State)
            self._restore(was)
            bought = was.bought
        parts = Parts(
            market=config.market,
            correction_s=settings.correction_s,
            ledger=config.ledger,
            open=self._open,
            identities=self._identities,
            statistics=self.statistics,
            revise=self._revise,
        )
        self._orders = Orders(parts, bought)
        for entry in map(read_entry, self._ledger.after(self._seq)):
            self._unrecovered.add(entry)
            self._seq = entry.seq

    def _restore(self, state: _State) -> None:
        check_format("decisions", state.format, FORMAT)
        settings = self._settings
        kept = restored_policy(settings.policy, state.policy_state, state.policy, seed=settings.seed)
        if kept is None:
            self.replaced_policy = state.policy
        else:
            self.policy = kept
        self._seq = state.seq
        self._cooldowns = Cooldowns(state.cooldowns)
        self._carts = CartTreatments(state.carts)
        self._forgot_s = state.forgot_s
        self.statistics = state.statistics
        self._open = OpenDecisions(state.open)
        for found in map(self._ledger.get, state.unrecovered):
            if found is not None:
                self._unrecovered.add(read_entry(found))

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        state = _State(
            format=FORMAT,
            seq=self._seq,
            policy=self._settings.policy,
            policy_state=self.policy.dumps(),
            open=list(self._open),
            cooldowns=self._cooldowns.ends_s,
            carts=self._carts.carts,
            forgot_s=self._forgot_s,
            statistics=self.statistics,
            unrecovered=self._unrecovered.decisions(),
            bought=self._orders.bought,
        )
        return msgspec.msgpack.encode(state)

    def figures(self) -> dict[str, float]:
        """Return how much is held."""
        return {
            "open_decisions": len(self._open),
            "unrecovered_decisions": len(self._unrecovered),
            "cooldowns": len(self._cooldowns),
            "cart_treatments": len(self._carts),
        }

    # What happens

    def process_moment(self, moment: Moment, prediction: Prediction) -> list[OutputRecord]:
        """Decide, if this moment leads to a decision; one it led to before is emitted again."""
        if moment.user is None:
            moment = replace(moment, user=self._identities.only_user(moment.visitor, moment.at_s))
        self._identities.link(moment.visitor, moment.user, moment.at_s)
        visitors = self._identities.visitors(moment.visitor, moment.user, moment.at_s)
        records = self._settle(visitors, moment.at_s)
        settings = self._settings
        if moment.kind not in settings.triggers:
            return records
        decision_id = f"{self.market.name}.{name_of('decision', moment.market, moment.id)}"
        unrecovered = self._unrecovered.get(decision_id)
        if unrecovered is not None:
            return records + self._recover(unrecovered)
        if (
            moment.at_s < settings.emit_after_s
            or self._is_busy(moment, visitors)
            or self._ledger.get(decision_id)
        ):
            return records
        context = {**moment.features, "abandonment": prediction.score}
        return records + self._decide(DecisionPoint(decision_id, moment, prediction, context))

    def know_user(self, event: UserKnown) -> None:
        """Note which user a visitor is: from now on they are one person."""
        self._identities.link(event.visitor, event.user, event.at_s)

    def know_consent(self, event: ConsentKnown) -> None:
        """Note on which channels a visitor or a user agreed to offers, or refused."""
        self.consents.know(event)

    def process_order(self, order: Order) -> list[OutputRecord]:
        """Attribute an order to one decision and revoke the offers its buyer still holds."""
        report = self._orders.reported(order)
        return [] if report is None else self._attribute(report)

    def process_bought(self, event: CartBought) -> list[OutputRecord]:
        """Note whose cart an order bought and revoke the offers that its owner still holds."""
        visitors = self._identities.visitors(event.visitor, None, event.at_s)
        records = self._settle(visitors, event.at_s)
        report = self._orders.note_bought(event)
        if report is not None:
            return records + self._attribute(report)
        return records + revoke_offers(event, self._held(visitors), self._open)

    def process_revision(self, event: AnyOrderRevision) -> list[OutputRecord]:
        """Revise what an order brought, after what is due of its decision."""
        records: list[OutputRecord] = []
        decision_id = self._orders.decision_of(event.order)
        if decision_id is not None:
            entry = self._unrecovered.get(decision_id)
            if entry is not None and entry.terms.at_s < event.at_s:
                records += self._recover(entry)
            decision = self._open.get(decision_id)
            if decision is not None:
                records += self._end_what_is_due(decision, event.at_s)
        return records + self._orders.revise(event)

    def process_feedback(self, feedback: AnyFeedback) -> list[OutputRecord]:
        """Note what a visitor did with an offer."""
        records = self._settle((feedback.visitor,), feedback.at_s)
        found = self._open.get(feedback.offer)
        if found is not None and found.terms.treated:
            earnings = found.earnings
            earnings.shown = True  # whoever clicked, used or dismissed it has seen it
            earnings.clicked |= isinstance(feedback, OfferClick)
            earnings.redemption_seen |= isinstance(feedback, OfferRedemption)
        return records

    def close_cart(self, outcome: CartOutcome) -> OutcomeTreatment:
        """Return whether an offer preceded what became of a cart, and how probable it was that none did."""
        treatment = self._carts.close(outcome.cart, outcome.at_s)
        visitors = self._identities.visitors(outcome.visitor, None, outcome.at_s)
        if self._cools_down(visitors, outcome.at_s):
            return treatment._replace(treated=True)
        return treatment

    def advance(self, before_s: float) -> list[OutputRecord]:
        """Do what is due before a time: recover decisions, end windows, let offers expire."""
        records: list[OutputRecord] = []
        if self._unrecovered:
            for entry in self._unrecovered.before(before_s):
                records += self._recover(entry)
        for due_s, decision in self._open.due(before_s):
            records += self._end_what_is_due(decision, math.nextafter(due_s, math.inf))
        return records

    def forget(self, time_s: float) -> None:
        """Drop what no later event can need."""
        self._cooldowns.forget(time_s)
        self._carts.forget(time_s)
        self._orders.forget(time_s)
        if time_s >= self._forgot_s + FORGET_EVERY_S and math.isfinite(time_s):
            self._forgot_s = time_s
            waiting = (each.terms.at_s for each in self._open if not each.window_ended)
            needed_s = min(waiting, default=math.inf)
            self._ledger.forget(min(time_s - self._settings.correction_s - LEDGER_SLACK_S, needed_s))
            self._assignments.forget(time_s, self._settings.correction_s + LEDGER_SLACK_S)

    # Deciding

    def _is_busy(self, moment: Moment, visitors: tuple[str, ...]) -> bool:
        """Return whether there is a decision for the cart, or an offer for the person, that holds this up."""
        if self._unrecovered.of_visitors(visitors) or self._cools_down(visitors, moment.at_s):
            return True
        return any(each.offer_open or each.terms.cart == moment.cart for each in self._held(visitors))

    def _cools_down(self, visitors: tuple[str, ...], at_s: float) -> bool:
        return any(self._cooldowns.holds(visitor, at_s) for visitor in visitors)

    def _held(self, visitors: tuple[str, ...]) -> tuple[OpenDecision, ...]:
        return self._open.named(*(visitor_name(visitor) for visitor in visitors))

    def _decide(self, point: DecisionPoint) -> list[OutputRecord]:
        chosen = select(point, self.policy, self._assignments, self._candidates, self._settings)
        self._seq += 1
        entry, record = decide(self._seq, point, chosen, self.market, self._settings)
        write_entry(self._ledger, entry)
        return self._begin(entry, record)

    def _begin(self, entry: LedgerEntry, record: Decision) -> list[OutputRecord]:
        """Emit a decision and open it; one that had no choice has no window and holds nothing up."""
        terms, offered = entry.terms, entry.offered is not None
        self.statistics.decided(record)
        if terms.had_choice:
            if offered:
                self._cooldowns.start(terms.visitor, terms.at_s + self._settings.cooldown_s)
            self._carts.decided(entry)
            self._open.add(open_decision(entry))
        return decision_records(entry)

    # What follows from a decision

    def _recover(self, entry: LedgerEntry) -> list[OutputRecord]:
        self._unrecovered.remove(entry)
        return self._begin(entry, decode_decision(entry.decided))

    def _settle(self, visitors: tuple[str, ...], before_s: float) -> list[OutputRecord]:
        """Bring a person's decisions up to a time, before something of that time is processed."""
        records: list[OutputRecord] = []
        for entry in self._unrecovered.of_visitors(visitors):
            if entry.terms.at_s < before_s:
                records += self._recover(entry)
        for decision in self._held(visitors):
            records += self._end_what_is_due(decision, before_s)
        return records

    def _attribute(self, report: OrderReport) -> list[OutputRecord]:
        order = report.order
        buyer = self._orders.buyer(report)
        records = self._settle(buyer.visitors, order.at_s)
        records += self._orders.process(report, buyer)
        return records + revoke_offers(order, self._held(buyer.visitors), self._open)

    def _revise(self, entry: LedgerEntry, change: float) -> float | None:
        return self.policy.revise(entry.terms.arm, entry.features, change)

    def _end_what_is_due(self, decision: OpenDecision, before_s: float) -> list[OutputRecord]:
        records = expire_offer(decision, self.market.name, before_s)
        if not decision.window_ended and decision.terms.window_ends_s < before_s:
            decision.window_ended = True
            records.append(self._learn(decision))
        self._open.changed(decision)
        return records

    def _learn(self, decision: OpenDecision) -> OutputRecord:
        """Update the policy from a decision whose window has ended; LookupError where the ledger lost it."""
        terms = decision.terms
        cost = decision.earnings.cost(terms)
        profit = decision.earnings.money.margin - cost
        trained: float | None = None
        if terms.is_trainable:
            found = self._ledger.get(terms.decision)
            if found is None:
                raise LookupError(
                    f"the ledger of market {self.market.name!r} has lost decision {terms.decision}"
                )
            trained = self.policy.update(terms.arm, read_entry(found).features, profit)
        self._orders.window_ended(decision)
        self.statistics.ended(decision, profit)
        return window_record(decision, self.market.name, cost, trained=trained)
