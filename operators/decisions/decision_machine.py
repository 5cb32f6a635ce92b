"""The decisions of one market: each is taken once, open until its window ends, and then learned from."""

import math
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from operators.abandonment.models import Features
from operators.bandits import Policy
from operators.controls.cause import read_cause
from operators.decisions.cart_treatments import CartTreatments, OutcomeTreatment
from operators.decisions.catalog import Catalog, NoCatalog, is_short
from operators.decisions.contributions import NO_BASIS, ScoreSum, basis_of
from operators.decisions.controls import ControlsState, MarketControls, control_record
from operators.decisions.crash_recovery import UnrecoveredDecisions
from operators.decisions.decision_record import decide
from operators.decisions.erasing.erasing_ledger import ErasingLedger, ErasureState
from operators.decisions.erasing.person import ErasedPerson, Erasing, ErasureCounts, person_of
from operators.decisions.erasing.scrubbed_entries import scrubbed_terms
from operators.decisions.identities import Seen
from operators.decisions.ledger import (
    ErasableLedger,
    Ledger,
    LedgerEntry,
    cart_name,
    read_entry,
    visitor_name,
    write_entry,
)
from operators.decisions.market_in_force import MarketInForce
from operators.decisions.offer_life import OfferLife
from operators.decisions.offer_record import offer_details
from operators.decisions.open_decisions import OpenDecision, OpenDecisions, OpenSummary, open_decision
from operators.decisions.orders import BoughtCarts, OrderReport, Orders, Parts
from operators.decisions.output_records import Ending, decision_records, erased_record, window_record
from operators.decisions.people import People
from operators.decisions.rules import RuleBook, Situation, build_rules
from operators.decisions.rules.rule import Lookups, Person
from operators.decisions.selection import DecisionPoint, Options, Prediction, select
from operators.decisions.settings import DecisionSettings
from operators.decisions.standing import fallen
from operators.decisions.statistics import MarketStatistics
from operators.experiments.assignment import Assignments
from operators.state.rows import StateRows
from operators.streaming.ids import check_format, name_of
from operators.streaming.messages import (
    AnyFeedback,
    AnyOrderRevision,
    CartBought,
    CartOutcome,
    ConsentKnown,
    ControlsChange,
    Moment,
    OfferClick,
    OfferDismissal,
    OfferRedemption,
    Order,
    OutputRecord,
    PersonErased,
    ProductChange,
    UserKnown,
)
from schemas.decisions import Decision, decode_decision
from schemas.shop import Market, Shop

FORMAT: Final = 7
FORGET_EVERY_S: Final = 10.0
"""How often, in event time, the ledger is trimmed."""
LEDGER_SLACK_S: Final = 86_400.0
"""The ledger keeps entries this much longer than a correction or a rule could still need them."""


def _no_sum(_features: Features) -> None:
    """Return that the score of a moment is not known as a sum."""


class _State(msgspec.Struct, array_like=True, kw_only=True):
    format: int
    seq: int
    policy: str
    policy_state: bytes
    open: OpenSummary
    rules: dict[str, bytes]
    carts: int
    forgot_s: float
    statistics: MarketStatistics
    unrecovered: list[str]
    bought: dict[str, BoughtCarts]
    controls: ControlsState
    relearned_s: float
    erasures: ErasureState
    erased: ErasureCounts
    rows: bytes


class MarketConfig(NamedTuple):
    """A shop, one of its markets by name, the ledger in which that remembers its decisions, its catalog."""

    shop: Shop
    name: str
    ledger: ErasableLedger
    catalog: Catalog = NoCatalog()


class DecisionMachine:
    """The decision machine of one market; what it emits is returned.

    Bounded as ``OpenDecisions``, ``UnrecoveredDecisions``, ``CartTreatments`` and the rules are; the ledger
    by the correction period, its assignments as ``Assignments`` are. ``replaced_policy`` is the spec of the
    policy whose training was dropped because the settings name another one, None where it was kept.
    ``foreign_feedback`` counts what was reported about offers by others than those they were made to.
    ``relearned_s``: everything up to then was learned from published records, which a first start read.
    """

    def __init__(self, config: MarketConfig, settings: DecisionSettings, state: bytes | None = None) -> None:
        was = None if state is None else msgspec.msgpack.decode(state, type=_State)
        in_force = MarketInForce(config.shop, config.name, settings, None if was is None else was.controls)
        self.statistics = MarketStatistics()
        self.foreign_feedback = 0
        self.relearned_s = -math.inf
        self.replaced_policy: str | None = None
        self._policy = in_force.new_policy()
        self.erased = ErasureCounts()
        self._in_force = in_force
        self._settings = settings
        self._erasing = ErasingLedger(config.ledger)
        self._ledger: Ledger = self._erasing
        self._rows = StateRows(config.ledger.rows)
        self._rules = RuleBook(build_rules(self._ledger, self._rows))
        self._assignments = Assignments(config.name, in_force.market.holdout, self._ledger)
        self._seq = 0
        self._open = OpenDecisions(self._rows)
        self._unrecovered = UnrecoveredDecisions()
        self._carts = CartTreatments(self._rows)
        self._forgot_s = -math.inf
        self._is_resumed = was is not None
        self._people = People(self._ledger)
        self._lookups = Lookups(config.catalog.as_of, self._people.consents)
        self._rules.configure(in_force.shop, in_force.market)
        bought = None
        if was is None:
            self._rows.begin()
        else:
            self._restore(was)
            bought = was.bought
        self._life = OfferLife(config.name, self._open, self._ledger, self._rules)
        parts = Parts(
            market=self.market,
            correction_s=settings.correction_s,
            ledger=self._ledger,
            open=self._open,
            identities=self._people.identities,
            statistics=self.statistics,
            rules=self._rules,
            revise=self._revise,
        )
        self._orders = Orders(parts, bought)
        self._options = self._options_in_force()
        for entry in map(read_entry, self._ledger.after(self._seq)):
            self._unrecovered.add(entry)
            self._rules.decided(entry)
            self._seq = entry.seq

    @property
    def market(self) -> Market:
        """The market as it is in force."""
        return self._in_force.market

    @property
    def policy(self) -> Policy:
        """What chooses and learns; another one may take its place."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._policy = policy
        self._options = self._options_in_force()

    @property
    def controls(self) -> MarketControls:
        """The controls in force."""
        return self._in_force.controls

    def _restore(self, state: _State) -> None:
        check_format("decisions", state.format, FORMAT)
        kept = self._in_force.restored_policy(state.policy_state, state.policy)
        if kept is None:
            self.replaced_policy = state.policy
        else:
            self._policy = kept
        self._seq = state.seq
        self.relearned_s = state.relearned_s
        self.erased = state.erased
        self._erasing.restore(state.erasures)
        self._rows.restore(state.rows)
        self._rules.restore(state.rules)
        self._carts.count = state.carts
        self._forgot_s = state.forgot_s
        self.statistics = state.statistics
        self._open.summary = state.open
        for found in map(self._ledger.get, state.unrecovered):
            if found is not None:
                self._unrecovered.add(read_entry(found))

    def snapshot(self) -> bytes:
        """Return the state as bytes: of what is open, only what changed since the last snapshot."""
        state = _State(
            format=FORMAT,
            seq=self._seq,
            policy=self._in_force.policy_spec,
            policy_state=self.policy.dumps(),
            open=self._open.summary,
            rules=self._rules.state(),
            carts=len(self._carts),
            forgot_s=self._forgot_s,
            statistics=self.statistics,
            unrecovered=self._unrecovered.decisions(),
            bought=self._orders.bought,
            controls=self.controls.state,
            rows=self._rows.snapshot(),
            relearned_s=self.relearned_s,
            erasures=self._erasing.snapshot(),
            erased=self.erased,
        )
        return msgspec.msgpack.encode(state)

    def figures(self) -> dict[str, float]:
        """Return how much is held, and what operators see of the rules."""
        return {
            "controls_version": self.controls.version,
            "open_decisions": len(self._open),
            "unrecovered_decisions": len(self._unrecovered),
            "cart_treatments": len(self._carts),
            "foreign_feedback": self.foreign_feedback,
            "erased_persons": self.erased.persons,
            "erased_windows": self.erased.cut_short,
            "crowded_features": self.policy.crowded_features(),
            **self._rules.figures(),
        }

    def budgets(self, time_s: float) -> dict[str, dict[str, float]]:
        """Return what each budget has, and has used, in the period of a time."""
        return self._rules.budgets(time_s)

    def process_controls(self, change: ControlsChange) -> list[OutputRecord]:
        """Take up what controls have changed, after what was decided before it."""
        records: list[OutputRecord] = []
        for entry in self._unrecovered.before(change.at_s):
            records += self._recover(entry)
        spec = self._in_force.policy_spec
        if not self._in_force.take(change):
            return records
        self._configure_anew(spec)
        cause = None if change.cause is None else read_cause(change.cause)
        records += self._revoke_stopped(change.at_s, change.id if cause is None else cause.change)
        if cause is not None and change.at_s >= self._settings.emit_after_s:
            records.append(control_record(change, cause))
        return records

    def _configure_anew(self, policy_spec: str) -> None:
        """Take up what is in force now; ``policy_spec`` is that of the policy so far."""
        in_force = self._in_force
        if in_force.policy_spec != policy_spec:
            kept = in_force.restored_policy(self.policy.dumps(), policy_spec)
            self._policy = in_force.new_policy() if kept is None else kept
        self._assignments.share = in_force.market.holdout
        self._rules.configure(in_force.shop, in_force.market)
        self._orders.configure(in_force.market)
        self._options = self._options_in_force()

    def _options_in_force(self) -> Options:
        in_force, settings = self._in_force, self._settings
        return Options(
            market=in_force.market,
            offers=in_force.offers,
            windows_s=in_force.windows_s,
            rules=self._rules,
            choosers=in_force.choosers(self.policy),
            assignments=self._assignments,
            seed=settings.seed,
            shadow=settings.shadow,
        )

    def _revoke_stopped(self, at_s: float, cause: str | None = None) -> list[OutputRecord]:
        """Revoke the open offers that the shop as it is now does not make, by default each for itself."""
        records: list[OutputRecord] = []
        for arm in list(filter(self._in_force.may_stop, self._open.summary.arms)):
            for each in self._open.of_arm(arm):
                records += self._revoke_if_stopped(each, at_s, cause)
        for name in self._rules.withdrawn():
            withdrawn = self._open.get(name)
            if withdrawn is not None:
                ending = Ending(at_s, "budget_withdrawn", name if cause is None else cause)
                records += self._life.revoke([withdrawn], ending)
        return records

    def _revoke_if_stopped(
        self, decision: OpenDecision, at_s: float, cause: str | None = None
    ) -> list[OutputRecord]:
        reason = self._in_force.stops(decision)
        if reason is None:
            return []
        cause = decision.terms.decision if cause is None else cause
        return self._life.revoke([decision], Ending(at_s, reason, cause))

    # What happens

    def process_moment(
        self, moment: Moment, prediction: Prediction, score_sum: ScoreSum = _no_sum
    ) -> list[OutputRecord]:
        """Decide, if this moment leads to a decision; one it led to before is emitted again."""
        seen = self._people.of_moment(moment)
        if seen.user != moment.user:
            moment = replace(moment, user=seen.user)
        names = _names(seen.visitors, moment.cart)
        is_touched = bool(self._open.named(*names) or self._unrecovered.named(names))
        records = self._settle(names, moment.at_s) if is_touched else []
        settings = self._settings
        if moment.kind not in settings.triggers:
            return records
        decision_id = name_of("decision", moment.market, moment.id)
        unrecovered = self._unrecovered.get(decision_id)
        if unrecovered is not None:
            return records + self._recover(unrecovered)
        if (
            moment.at_s < settings.emit_after_s
            or (is_touched and self._is_decided(moment, seen.visitors))
            or self._ledger.get(decision_id)
        ):
            return records
        context = {**moment.features, "abandonment": prediction.score}
        point = DecisionPoint(decision_id, moment, prediction, context)
        held = self._held(seen.visitors) if is_touched else ()
        return records + self._decide(point, seen, held, score_sum)

    def know_person(self, event: UserKnown | ConsentKnown) -> list[OutputRecord]:
        """Note which user a visitor is, or on which channels somebody agreed to offers or refused them.

        Of the person's open offers not all may stand then.
        """
        people, at_s = self._people, event.at_s
        people.know(event)
        visitors = people.visitors(event.visitor, event.user, at_s)
        records = self._settle(_names(visitors), at_s, publishes=False)
        held = self._held(visitors)
        if not any(each.offer_open for each in held):
            return records
        users = people.users(event.visitor, event.user, at_s)
        purchased_s = self._rules.purchased_s(visitors, users, people.known_s(at_s))
        consents = people.consents(visitors, users, at_s)
        for each, reason in fallen(held, self._in_force.offers, consents, purchased_s):
            records += self._life.revoke([each], Ending(at_s, reason, event.id))
        return records

    def process_order(self, order: Order) -> list[OutputRecord]:
        """Attribute an order to one decision and revoke the offers its buyer still holds."""
        report = self._orders.reported(order)
        return [] if report is None else self._attribute(report)

    def process_bought(self, event: CartBought) -> list[OutputRecord]:
        """Note whose cart an order bought and revoke the offers that its owner still holds."""
        visitors = self._people.visitors(event.visitor, None, event.at_s)
        records = self._settle(_names(visitors), event.at_s, publishes=False)
        report = self._orders.note_bought(event)
        if report is not None:
            return records + self._attribute(report)
        self._rules.purchased(visitors, None, event.at_s)
        return records + self._life.bought(event, self._bought_from(visitors, event.at_s))

    def erase(self, event: PersonErased) -> Erasing:
        """Forget a person: the offers are revoked, the windows end with what is known by then.

        What was decided stays, without the person.
        """
        at_s = event.at_s
        person = person_of(event, self._people, self._ledger)
        records = self._settle(person.names, math.nextafter(at_s, math.inf), publishes=False)
        held = self._open.named(*person.names)
        cut_short = 0
        for decision in held:
            records += self._life.revoke([decision], Ending(at_s, "erased", event.id, None, event.trace))
            if not decision.window_ended:
                cut_short += 1
                decision.window_ended = True
                records.append(self._learn(decision, cut_short_s=max(at_s, decision.terms.at_s)))
                self._open.changed(decision)
        self._forget(person, at_s)
        self.erased.cut_short += cut_short
        self.erased.persons += event.is_home
        if at_s >= self._settings.emit_after_s:
            records.append(erased_record(event, person.visitors, len(held), cut_short))
        return Erasing(records, person.visitors)

    def _forget(self, person: ErasedPerson, at_s: float) -> None:
        """Forget a person of whom nothing is open any more."""
        for cart in person.carts:
            self._carts.erase(cart)
        self._orders.erase(person.visitors)
        self._people.identities.forget_latest(person.visitors, person.users)
        self._erasing.erase(person.at(at_s))
        self._rows.erased()

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
        """Note what a visitor did with an offer; nobody else is believed about it."""
        visitors = self._people.visitors(feedback.visitor, feedback.user, feedback.at_s)
        records = self._settle(_names(visitors), feedback.at_s)
        found = self._open.get(feedback.offer)
        if found is None:
            self._dismiss_closed(feedback, visitors)
            return records
        if not found.terms.treated:
            return records
        if found.terms.visitor not in visitors:
            self.foreign_feedback += 1
            return records
        earnings = found.earnings
        earnings.shown = True  # whoever clicked, used or dismissed it has seen it
        earnings.clicked |= isinstance(feedback, OfferClick)
        earnings.redemption_seen |= isinstance(feedback, OfferRedemption)
        self._rules.changed(found)
        if isinstance(feedback, OfferDismissal):
            self._rules.dismissed(visitors, feedback.at_s)
        if isinstance(feedback, OfferRedemption):
            ending = Ending(feedback.at_s, "redeemed", feedback.id, feedback.order, feedback.trace)
            records += self._life.revoke([found], ending)
        return records

    def _dismiss_closed(self, feedback: AnyFeedback, visitors: tuple[str, ...]) -> None:
        """Note that a person put away an offer of which nothing more is awaited."""
        found = self._ledger.get(feedback.offer) if isinstance(feedback, OfferDismissal) else None
        if found is None:
            return
        terms = read_entry(found).terms
        if terms.treated and terms.at_s < feedback.at_s and terms.visitor in visitors:
            self._rules.dismissed(visitors, feedback.at_s)

    def product_changed(self, event: ProductChange) -> list[OutputRecord]:
        """Revoke the open offers on a product that is out of stock, those to be recovered among them."""
        at_least, product_at = self.market.rules.stock.at_least, self._lookups.product
        if not is_short(event.product, at_least):
            return []
        records: list[OutputRecord] = []
        for entry in self._unrecovered.on_product(event.sku):
            if is_short(product_at(event.sku, max(event.at_s, entry.terms.at_s)), at_least):
                records += self._recover(entry)
        for each in self._open.on_product(event.sku):
            at_s = max(event.at_s, each.terms.at_s)  # a moment may have been read before what came before it
            records += self._end_what_is_due(each, at_s, publishes=False)
            if is_short(product_at(event.sku, at_s), at_least):
                ending = Ending(at_s, "out_of_stock", event.id, None, event.trace)
                records += self._life.revoke([each], ending)
        return records

    def has_relearned(self, outcome: CartOutcome) -> bool:
        """Return whether the model was trained on this outcome from its published record."""
        return (
            outcome.at_s <= self.relearned_s and self._ledger.recall(relearned_name(outcome.id)) is not None
        )

    def close_cart(self, outcome: CartOutcome) -> OutcomeTreatment:
        """Return whether an offer preceded what became of a cart, and how probable it was that none did."""
        treatment = self._carts.close(outcome.cart, outcome.at_s)
        if treatment.treated:
            return treatment
        visitors = self._people.identities.visitors(outcome.visitor, None, outcome.at_s)
        if self._rules.had_offer(visitors, outcome.at_s):
            return treatment._replace(treated=True)
        return treatment

    def has_due(self, before_s: float) -> bool:
        """Return whether there is more to be done before a time than was done."""
        return self._open.has_due(before_s)

    def advance(self, before_s: float, at_most: int | None = None) -> list[OutputRecord]:
        """Do what is due before a time: recover decisions, end windows, let offers expire.

        The first time after a start, what a changed offers file no longer allows is revoked. ``at_most`` so
        many decisions are looked at, the ones that are due first.
        """
        records: list[OutputRecord] = []
        if self._unrecovered:
            for entry in self._unrecovered.before(before_s):
                records += self._recover(entry)
        if self._is_resumed and math.isfinite(before_s):
            self._is_resumed = False
            records += self._revoke_stopped(before_s)
        for due_s, decision in islice(self._open.due(before_s), at_most):
            records += self._end_what_is_due(decision, math.nextafter(due_s, math.inf))
        return records

    def forget(self, time_s: float) -> None:
        """Drop what no later event can need."""
        self._rules.forget(time_s)
        self._carts.forget(time_s)
        self._orders.forget(time_s)
        if time_s >= self._forgot_s + FORGET_EVERY_S and math.isfinite(time_s):
            self._forgot_s = time_s
            kept_s = max(self._settings.correction_s, self._rules.memory_s) + LEDGER_SLACK_S
            self._ledger.forget(self._open.none_waits_before_s(time_s - kept_s, time_s - LEDGER_SLACK_S))
            self._assignments.forget(time_s, kept_s)

    # Deciding

    def _is_decided(self, moment: Moment, visitors: tuple[str, ...]) -> bool:
        """Return whether there is an open decision for the cart, or one of the person to be recovered.

        A cart may be that of visitors who are not known to be one person.
        """
        cart = cart_name(moment.cart)
        return bool(self._unrecovered.named((cart, *map(visitor_name, visitors))) or self._open.named(cart))

    def _held(self, visitors: tuple[str, ...]) -> tuple[OpenDecision, ...]:
        return self._open.named(*(visitor_name(visitor) for visitor in visitors))

    def _decide(
        self, point: DecisionPoint, seen: Seen, held: tuple[OpenDecision, ...], score_sum: ScoreSum
    ) -> list[OutputRecord]:
        moment, market = point.moment, self.market
        zone = self._in_force.zone if moment.timezone is None else ZoneInfo(moment.timezone)
        person = Person(seen.visitors, seen.users, zone, held)
        now = Situation(moment, person, point.context, market, self._lookups)
        chosen = select(point, now, self._options)
        self._seq += 1
        details = offer_details(chosen, now, self.policy, self.controls.version)
        basis = NO_BASIS
        wanted = self._settings.contributions
        if wanted == "all" or (wanted == "offers" and chosen.offer is not None):
            basis = basis_of(chosen, point, self.policy, score_sum)
        entry, record = decide(self._seq, point, chosen, market, details, basis=basis)
        write_entry(self._ledger, entry)
        self._rules.decided(entry)
        return self._begin(entry, record)

    def _begin(self, entry: LedgerEntry, record: Decision) -> list[OutputRecord]:
        """Emit a decision and open it; one that had no choice has no window and holds nothing up."""
        self.statistics.decided(record)
        self._rules.chosen(entry.terms, record, lambda arms: self.policy.values(arms, entry.features))
        if entry.terms.had_choice:
            self._carts.decided(entry)
            self._open.add(open_decision(entry))
        return decision_records(entry)

    # What follows from a decision

    def _recover(self, entry: LedgerEntry) -> list[OutputRecord]:
        self._unrecovered.remove(entry)
        records = self._begin(entry, decode_decision(entry.decided))
        opened = self._open.get(entry.terms.decision)
        return records if opened is None else records + self._revoke_if_stopped(opened, entry.terms.at_s)

    def _settle(self, names: list[str], before_s: float, *, publishes: bool = True) -> list[OutputRecord]:
        """Bring the decisions of these names up to a time at which something is processed.

        Not ``publishes``: what is held stays so, since that may end it.
        """
        records: list[OutputRecord] = []
        for entry in self._unrecovered.named(names):
            if entry.terms.at_s < before_s:
                records += self._recover(entry)
        for decision in self._open.named(*names):
            records += self._end_what_is_due(decision, before_s, publishes=publishes)
        return records

    def _attribute(self, report: OrderReport) -> list[OutputRecord]:
        order = report.order
        buyer = self._orders.buyer(report)
        records = self._settle(_names(buyer.visitors), order.at_s, publishes=False)
        records += self._orders.process(report, buyer)
        visitors = buyer.visitors
        if report.first_s == order.at_s:  # not told again: who is known to be the buyer by now counts too
            known = self._people.visitors(order.visitor, order.user, order.at_s)
            visitors = tuple(dict.fromkeys((*visitors, *known)))
        self._rules.purchased(visitors, order.user, order.at_s)
        return records + self._life.bought(order, self._bought_from(visitors, order.at_s))

    def _bought_from(self, visitors: tuple[str, ...], at_s: float) -> tuple[OpenDecision, ...]:
        """Return the decisions of a buyer whose offers are over; what was read before them has ended none."""
        held = self._held(visitors)
        if at_s > self.relearned_s:
            return held
        return tuple(each for each in held if each.terms.at_s < at_s)

    def _revise(self, entry: LedgerEntry, change: float) -> float | None:
        return self.policy.revise(entry.terms.arm, entry.features, change)

    def _end_what_is_due(
        self, decision: OpenDecision, before_s: float, *, publishes: bool = True
    ) -> list[OutputRecord]:
        records = self._life.expire(decision, before_s, publishes=publishes)
        if not decision.window_ended and decision.terms.window_ends_s < before_s:
            decision.window_ended = True
            records.append(self._learn(decision))
        self._open.changed(decision)
        return records

    def _learn(self, decision: OpenDecision, cut_short_s: float | None = None) -> OutputRecord:
        """Update the policy from a decision whose window has ended; LookupError where the ledger lost it.

        ``cut_short_s`` is when it ended before its time: then its record does not say whose it was.
        """
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
        if cut_short_s is not None:
            decision = replace(decision, terms=scrubbed_terms(terms))
        return window_record(decision, self.market.name, cost, trained=trained, cut_short_s=cut_short_s)


def _names(visitors: tuple[str, ...], cart: str | None = None) -> list[str]:
    """Return the names of the decisions of a person, and of a cart."""
    names = [visitor_name(visitor) for visitor in visitors]
    if cart is not None:
        names.append(cart_name(cart))
    return names


def relearned_name(outcome_id: str) -> str:
    """Return the name by which it is remembered that an outcome was learned from its published record."""
    return f"relearned {outcome_id}"


def rows_of_decisions(state: bytes) -> bytes:
    """Return the snapshot of the rows of a decision machine whose state this is."""
    return msgspec.msgpack.decode(state, type=_State).rows
