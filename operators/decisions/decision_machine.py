"""The decisions of one market: each is taken once, open until its window ends, and then learned from."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from operators.bandits.spec import policy_from_spec, restored_policy
from operators.controls.cause import read_cause
from operators.decisions.cart_treatments import CartTreatment, CartTreatments, OutcomeTreatment
from operators.decisions.catalog import Catalog, NoCatalog, is_short
from operators.decisions.consents import ConsentGiven, Consents
from operators.decisions.controls import ControlsState, MarketControls, control_record
from operators.decisions.crash_recovery import UnrecoveredDecisions
from operators.decisions.decision_record import decide
from operators.decisions.identities import Identities, Seen
from operators.decisions.ledger import (
    Ledger,
    LedgerEntry,
    cart_name,
    read_entry,
    visitor_name,
    write_entry,
)
from operators.decisions.offer_life import OfferLife
from operators.decisions.offer_record import offer_details
from operators.decisions.open_decisions import OpenDecision, OpenDecisions, open_decision
from operators.decisions.orders import BoughtCarts, OrderReport, Orders, Parts
from operators.decisions.output_records import Ending, decision_records, window_record
from operators.decisions.rules import RuleBook, Situation, build_rules
from operators.decisions.rules.rule import Lookups, Person
from operators.decisions.selection import Choosers, DecisionPoint, Options, Prediction, select
from operators.decisions.settings import DecisionSettings
from operators.decisions.standing import fallen
from operators.decisions.statistics import MarketStatistics
from operators.experiments.assignment import Assignments
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
    ProductChange,
    UserKnown,
)
from schemas.decisions import Decision, decode_decision
from schemas.shop import Shop

FORMAT: Final = 5
FORGET_EVERY_S: Final = 10.0
"""How often, in event time, the ledger is trimmed."""
DISORDER_S: Final = 3_600.0
"""By so much what is known of people may be ahead of a moment; further ahead is a wrong clock."""
LEDGER_SLACK_S: Final = 86_400.0
"""The ledger keeps entries this much longer than a correction or a rule could still need them."""


class _State(msgspec.Struct, array_like=True, kw_only=True):
    format: int
    seq: int
    policy: str
    policy_state: bytes
    open: list[OpenDecision]
    rules: dict[str, bytes]
    carts: dict[str, CartTreatment]
    forgot_s: float
    statistics: MarketStatistics
    unrecovered: list[str]
    bought: dict[str, BoughtCarts]
    controls: ControlsState


class MarketConfig(NamedTuple):
    """A shop, one of its markets by name, the ledger in which that remembers its decisions, its catalog."""

    shop: Shop
    name: str
    ledger: Ledger
    catalog: Catalog = NoCatalog()


class DecisionMachine:
    """The decision machine of one market; what it emits is returned.

    Bounded as ``OpenDecisions``, ``UnrecoveredDecisions``, ``CartTreatments`` and the rules are; the ledger
    by the correction period, its assignments as ``Assignments`` are. ``replaced_policy`` is the spec of the
    policy whose training was dropped because the settings name another one, None where it was kept.
    ``foreign_feedback`` counts what was reported about offers by others than those they were made to.
    """

    def __init__(self, config: MarketConfig, settings: DecisionSettings, state: bytes | None = None) -> None:
        was = None if state is None else msgspec.msgpack.decode(state, type=_State)
        self.controls = MarketControls(config.shop, settings, None if was is None else was.controls)
        self.market = self.controls.shop.markets[config.name]
        self.statistics = MarketStatistics()
        self.foreign_feedback = 0
        self.replaced_policy: str | None = None
        self._settings = settings
        self._ledger = config.ledger
        self._policy_spec = self.market.policy or settings.policy
        self.policy = policy_from_spec(self._policy_spec, seed=settings.seed)
        self._rules = RuleBook(build_rules(config.ledger))
        self._assignments = Assignments(config.name, self.market.holdout, config.ledger)
        self._seq = 0
        self._open = OpenDecisions()
        self._unrecovered = UnrecoveredDecisions()
        self._carts = CartTreatments()
        self._forgot_s = -math.inf
        self._is_resumed = was is not None
        self._identities = Identities(config.ledger)
        self._consents = Consents(config.ledger)
        self._heard_s = -math.inf
        self._lookups = Lookups(config.catalog.as_of, self._consents_of)
        self._configure()
        bought = None
        if was is not None:
            self._restore(was)
            bought = was.bought
        self._life = OfferLife(config.name, self._open, config.ledger, self._rules)
        parts = Parts(
            market=self.market,
            correction_s=settings.correction_s,
            ledger=config.ledger,
            open=self._open,
            identities=self._identities,
            statistics=self.statistics,
            rules=self._rules,
            revise=self._revise,
        )
        self._orders = Orders(parts, bought)
        for entry in map(read_entry, self._ledger.after(self._seq)):
            self._unrecovered.add(entry)
            self._rules.decided(entry)
            self._seq = entry.seq

    def _restore(self, state: _State) -> None:
        check_format("decisions", state.format, FORMAT)
        settings = self._settings
        kept = restored_policy(self._policy_spec, state.policy_state, state.policy, seed=settings.seed)
        if kept is None:
            self.replaced_policy = state.policy
        else:
            self.policy = kept
        self._seq = state.seq
        self._rules.restore(state.rules)
        self._carts = CartTreatments(state.carts)
        self._forgot_s = state.forgot_s
        self.statistics = state.statistics
        self._open = OpenDecisions(state.open)
        for found in map(self._ledger.get, state.unrecovered):
            if found is not None:
                self._unrecovered.add(read_entry(found))

    def _configure(self) -> None:
        """Take up the shop: offers, rules, who is held out, what chooses."""
        market = self.market
        self._zone = ZoneInfo(market.timezone)
        self._assignments.share = market.holdout
        self._rules.configure(self.controls.shop, market)
        rule = market.rollout.rule
        self._rule = None if rule is None else policy_from_spec(rule, seed=self._settings.seed)
        self._offers = {offer.name: offer for offer in self.controls.shop.arms(market.name)}

    @property
    def _is_shadow(self) -> bool:
        return self._settings.shadow or self.market.rollout.stage == "shadow"

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        state = _State(
            format=FORMAT,
            seq=self._seq,
            policy=self._policy_spec,
            policy_state=self.policy.dumps(),
            open=list(self._open),
            rules=self._rules.state(),
            carts=self._carts.carts,
            forgot_s=self._forgot_s,
            statistics=self.statistics,
            unrecovered=self._unrecovered.decisions(),
            bought=self._orders.bought,
            controls=self.controls.state,
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
            **self._rules.figures(),
        }

    def process_controls(self, change: ControlsChange) -> list[OutputRecord]:
        """Take up what controls have changed, after what was decided before it."""
        records: list[OutputRecord] = []
        for entry in self._unrecovered.before(change.at_s):
            records += self._recover(entry)
        if not self.controls.take(change):
            return records
        cause = None if change.cause is None else read_cause(change.cause)
        records += self._configure_anew(change.at_s, change.id if cause is None else cause.change)
        if cause is not None and change.at_s >= self._settings.emit_after_s:
            records.append(control_record(change, cause))
        return records

    def _configure_anew(self, at_s: float, cause: str) -> list[OutputRecord]:
        """Take up another shop; offers that may no longer stand are revoked."""
        self.market = self.controls.shop.markets[self.market.name]
        spec = self.market.policy or self._settings.policy
        if spec != self._policy_spec:
            seed = self._settings.seed
            kept = restored_policy(spec, self.policy.dumps(), self._policy_spec, seed=seed)
            self.policy = policy_from_spec(spec, seed=seed) if kept is None else kept
            self._policy_spec = spec
        self._configure()
        self._orders.configure(self.market)
        return self._revoke_stopped(at_s, cause)

    def _revoke_stopped(self, at_s: float, cause: str | None = None) -> list[OutputRecord]:
        """Revoke the open offers that the shop as it is now does not make, by default each for itself."""
        records: list[OutputRecord] = []
        for each in [one for one in self._open if one.offer_open]:
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
        offer = self._offers.get(decision.terms.arm)
        is_killed = self.controls.shop.killed or self.market.killed
        is_paused = offer is None or offer.paused or (self._is_shadow and not decision.published)
        if not (is_killed or is_paused):
            return []
        cause = decision.terms.decision if cause is None else cause
        return self._life.revoke([decision], Ending(at_s, "killed" if is_killed else "paused", cause))

    # What happens

    def process_moment(self, moment: Moment, prediction: Prediction) -> list[OutputRecord]:
        """Decide, if this moment leads to a decision; one it led to before is emitted again."""
        known_s = self._known_s(moment.at_s)
        seen = self._identities.see(moment.visitor, moment.user, moment.at_s, known_s)
        if seen.user != moment.user:
            moment = replace(moment, user=seen.user)
        records = self._settle(seen.visitors, moment.at_s, moment.cart)
        settings = self._settings
        if moment.kind not in settings.triggers:
            return records
        decision_id = name_of("decision", moment.market, moment.id)
        unrecovered = self._unrecovered.get(decision_id)
        if unrecovered is not None:
            return records + self._recover(unrecovered)
        if (
            moment.at_s < settings.emit_after_s
            or self._is_decided(moment, seen.visitors)
            or self._ledger.get(decision_id)
        ):
            return records
        context = {**moment.features, "abandonment": prediction.score}
        return records + self._decide(DecisionPoint(decision_id, moment, prediction, context), seen)

    def know_user(self, event: UserKnown) -> list[OutputRecord]:
        """Note which user a visitor is: they are one person, of whose open offers not all may stand."""
        self._heard_s = max(event.at_s, self._heard_s)
        self._identities.link(event.visitor, event.user, event.at_s)
        return self._revoke_fallen(event)

    def know_consent(self, event: ConsentKnown) -> list[OutputRecord]:
        """Note on which channels a visitor or a user agreed to offers, or refused, which ends open ones."""
        self._heard_s = max(event.at_s, self._heard_s)
        self._consents.know(event)
        return self._revoke_fallen(event)

    def _revoke_fallen(self, event: UserKnown | ConsentKnown) -> list[OutputRecord]:
        """Revoke what may no longer stand of the open offers of somebody of whom more is known now."""
        known_s = self._known_s(event.at_s)
        visitors = self._identities.visitors(event.visitor, event.user, known_s)
        records = self._settle(visitors, event.at_s)
        held = self._held(visitors)
        if not any(each.offer_open for each in held):
            return records
        users = self._identities.users(event.visitor, event.user, known_s)
        purchased_s = self._rules.purchased_s(visitors, users)
        consents = self._consents_of(visitors, users, event.at_s)
        known_purchase_s = purchased_s if purchased_s <= known_s else -math.inf  # the rest is read again
        for each, reason in fallen(held, self._offers, consents, known_purchase_s):
            records += self._life.revoke([each], Ending(event.at_s, reason, event.id))
        return records

    def _known_s(self, at_s: float) -> float:
        """Return as of when people are known at a time: in immediate mode what was read first counts too."""
        return min(max(at_s, self._heard_s), at_s + DISORDER_S)

    def _consents_of(
        self, visitors: Sequence[str], users: Sequence[str], at_s: float
    ) -> dict[str, ConsentGiven]:
        return self._consents.of(visitors, users, self._known_s(at_s))

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
        self._rules.purchased(visitors, None, event.at_s)
        return records + self._life.bought(event, self._held(visitors))

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
        visitors = self._identities.visitors(feedback.visitor, feedback.user, feedback.at_s)
        records = self._settle(visitors, feedback.at_s)
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
            records += self._end_what_is_due(each, at_s)
            if is_short(product_at(event.sku, at_s), at_least):
                ending = Ending(at_s, "out_of_stock", event.id, None, event.trace)
                records += self._life.revoke([each], ending)
        return records

    def close_cart(self, outcome: CartOutcome) -> OutcomeTreatment:
        """Return whether an offer preceded what became of a cart, and how probable it was that none did."""
        treatment = self._carts.close(outcome.cart, outcome.at_s)
        visitors = self._identities.visitors(outcome.visitor, None, outcome.at_s)
        if self._rules.had_offer(visitors, outcome.at_s):
            return treatment._replace(treated=True)
        return treatment

    def advance(self, before_s: float) -> list[OutputRecord]:
        """Do what is due before a time: recover decisions, end windows, let offers expire.

        The first time after a start, what a changed offers file no longer allows is revoked.
        """
        records: list[OutputRecord] = []
        if self._unrecovered:
            for entry in self._unrecovered.before(before_s):
                records += self._recover(entry)
        if self._is_resumed and math.isfinite(before_s):
            self._is_resumed = False
            records += self._revoke_stopped(before_s)
        for due_s, decision in self._open.due(before_s):
            records += self._end_what_is_due(decision, math.nextafter(due_s, math.inf))
        return records

    def forget(self, time_s: float) -> None:
        """Drop what no later event can need."""
        self._rules.forget(time_s)
        self._carts.forget(time_s)
        self._orders.forget(time_s)
        if time_s >= self._forgot_s + FORGET_EVERY_S and math.isfinite(time_s):
            self._forgot_s = time_s
            waiting = (each.terms.at_s for each in self._open if not each.window_ended)
            needed_s = min(waiting, default=math.inf)
            kept_s = max(self._settings.correction_s, self._rules.memory_s) + LEDGER_SLACK_S
            self._ledger.forget(min(time_s - kept_s, needed_s))
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

    def _decide(self, point: DecisionPoint, seen: Seen) -> list[OutputRecord]:
        moment, market = point.moment, self.market
        zone = self._zone if moment.timezone is None else ZoneInfo(moment.timezone)
        person = Person(seen.visitors, seen.users, zone, self._held(seen.visitors))
        now = Situation(moment, person, point.context, market, self._lookups)
        rule = market.rollout.rule
        options = Options(
            market=market,
            offers=self._offers,
            rules=self._rules,
            choosers=Choosers(self.policy, self._policy_spec, self._rule, rule),
            assignments=self._assignments,
            seed=self._settings.seed,
            shadow=self._settings.shadow,
        )
        chosen = select(point, now, options)
        self._seq += 1
        details = offer_details(chosen, now, self.policy, self.controls.version)
        entry, record = decide(self._seq, point, chosen, market, details)
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

    def _settle(
        self, visitors: tuple[str, ...], before_s: float, cart: str | None = None
    ) -> list[OutputRecord]:
        """Bring the decisions of a person, and of a cart, up to a time at which something is processed."""
        records: list[OutputRecord] = []
        names = [*map(visitor_name, visitors), *(() if cart is None else (cart_name(cart),))]
        for entry in self._unrecovered.named(names):
            if entry.terms.at_s < before_s:
                records += self._recover(entry)
        for decision in self._open.named(*names):
            records += self._end_what_is_due(decision, before_s)
        return records

    def _attribute(self, report: OrderReport) -> list[OutputRecord]:
        order = report.order
        buyer = self._orders.buyer(report)
        records = self._settle(buyer.visitors, order.at_s)
        records += self._orders.process(report, buyer)
        self._rules.purchased(buyer.visitors, order.user, order.at_s)
        return records + self._life.bought(order, self._held(buyer.visitors))

    def _revise(self, entry: LedgerEntry, change: float) -> float | None:
        return self.policy.revise(entry.terms.arm, entry.features, change)

    def _end_what_is_due(self, decision: OpenDecision, before_s: float) -> list[OutputRecord]:
        records = self._life.expire(decision, before_s)
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
