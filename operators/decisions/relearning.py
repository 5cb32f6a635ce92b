"""A market that is rebuilt from the records that were published of it, in the order of their times.

Nothing is decided and nothing is emitted: what was decided, earned and ended is taken from the records. What
they do not hold is said where it is taken from elsewhere or left out.
"""

import math
from collections.abc import Container, Mapping
from heapq import heappop, heappush
from typing import Any, Final, NamedTuple

import msgspec

from operators.abandonment.label_delay import OutcomeTimes
from operators.decisions.decision_machine import DecisionMachine, MarketConfig, relearned_name
from operators.decisions.erasing.person import ErasedPerson
from operators.decisions.ledger import DecisionTerms, LedgerEntry, read_entry, write_entry
from operators.decisions.market import MarketStation
from operators.decisions.open_decisions import OpenDecision, open_decision
from operators.decisions.order_book import Revision
from operators.decisions.output_records import Ending
from operators.decisions.published import decision_of_offer, published_entry
from operators.decisions.reward import CHARGED_FOR_ORDERS, AttributedOrder, Charges, Earnings, Money
from operators.decisions.settings import DecisionSettings, MarketSettings
from operators.streaming.ids import name_of
from operators.streaming.messages import ControlsChange, ControlSetting, Order
from schemas.decisions import ControlApplied, Outcome, Reward, VisitorErased, decode_decision
from schemas.offers import EndedOffer, OfferDecided, read_offer_record
from schemas.records import encode

FORGET_EVERY_S: Final = 60.0
OUTCOMES_WAITING: Final = 10_000
"""So many outcomes wait for those that trained the model before them; beyond, the first do not wait."""
SNAPSHOT_EVERY: Final = 10_000
"""So many records of changed rows are held in memory before they are written."""


class _Waiting(NamedTuple):
    """An outcome that waits for those before it: the updates before, whether it is one, what is learned."""

    version: int
    is_update: bool
    number: int
    outcome: Outcome
    features: dict[str, Any]
    moment_s: float


class Relearned(msgspec.Struct):
    """What a market was rebuilt from, and what of it could not be used.

    ``withheld`` are offers of which no record was published, ``unrecorded`` offers that were published though
    their decisions were not; ``unknown_arms`` decisions whose arm the offers
    file no longer has; ``foreign`` rewards and ends of decisions that the records do not have. ``untrained``
    are outcomes of earlier versions without their features, at whose moment nothing was decided.
    ``capped_otherwise`` counts rewards that were capped at another value than before.
    """

    decisions: int = 0
    rewards: int = 0
    ends: int = 0
    trained: int = 0
    untrained: int = 0
    outcomes: int = 0
    controls: int = 0
    erased: int = 0
    withheld: int = 0
    unrecorded: int = 0
    unknown_arms: int = 0
    foreign: int = 0
    capped_otherwise: int = 0
    latest_s: float = -math.inf


class RelearningMachine(DecisionMachine):
    """The decision machine of a market while it is rebuilt. Bounded as the machine is.

    The decisions in ``awaited`` have no reward yet: what came of them so far stands in no record. They are as
    after a crash: in the ledger and counted by the rules, but opened when time comes to them again, so that
    what followed them is read again.
    """

    def __init__(self, config: MarketConfig, settings: DecisionSettings, awaited: Container[str]) -> None:
        super().__init__(config, settings)
        self.found = Relearned()
        self._awaited = awaited

    def unrecorded(self, offer: OfferDecided, offered: bytes) -> None:
        """Take an offer whose decision is in no record."""
        data = offer.data
        known = self._in_force.offers.get(data.treatment.name)
        ends_s = data.expires_at.seconds
        if known is not None:
            ends_s = offer.time.seconds + known.reward_window.total_seconds()
        self.found.unrecorded += 1
        record = decision_of_offer(offer, ends_s - data.at.seconds)
        self.decided(encode(record), offered, is_open=True)

    def decided(self, decided: bytes, offered: bytes | None, *, is_open: bool = False) -> None:
        """Take a decision, with the record of its offer."""
        record = decode_decision(decided)
        if self._ledger.get(record.decision_id) is not None:
            return
        found = self.found
        found.decisions += 1
        found.unknown_arms += record.offer_id is not None and record.arm not in self._in_force.offers
        self._seq += 1
        entry = published_entry(self._seq, record, decided, offered, self._in_force.offers)
        self._assignments.relearn(record)
        write_entry(self._ledger, entry)
        self._rules.decided(entry)
        self._people.identities.link(record.visitor_id, record.user_id, record.at.seconds)
        treated = entry.terms.treated
        found.withheld += treated and offered is None
        if is_open or record.decision_id in self._awaited:
            self._unrecovered.add(entry)
        else:
            self._begin(entry, record)
        if treated and offered is not None and entry.terms.published_s != entry.terms.at_s:
            self._life.publish(open_decision(entry), entry.terms.at_s)

    def offer_ended(self, event: EndedOffer) -> None:
        """Take the end of an offer."""
        data, found = event.data, self.found
        opened = self._open.get(data.decision_id)
        found.ends += 1
        if opened is None:
            found.foreign += self._ledger.get(data.decision_id) is None
            return
        opened.earnings.redemption_seen |= data.reason == "redeemed"
        opened.earnings.withheld = False
        cause = event.causationid
        ending = Ending(data.at.seconds, data.reason, cause, data.order_id)  # type: ignore[arg-type]
        opened.published = True
        self._life.end(opened, ending)
        self._open.changed(opened)

    def rewarded(self, reward: Reward) -> None:
        """Take what a decision has earned."""
        found = self._ledger.get(reward.decision_id)
        if found is None:
            self.found.foreign += 1
            return
        entry = read_entry(found)
        for at in reward.ordered_at:
            self._rules.purchased((entry.terms.visitor,), entry.terms.user, at.seconds)
        if reward.kind == "window":
            self._window_ended(entry, reward)
        else:
            self._corrected(entry, reward)

    def _window_ended(self, entry: LedgerEntry, reward: Reward) -> None:
        terms = entry.terms
        opened = self._open.get(terms.decision)
        if opened is None or opened.window_ended:
            return
        self.found.rewards += 1
        opened.earnings = _earnings(terms, reward)
        self._book_orders(opened, reward)
        self._rules.changed(opened)
        if terms.is_trainable:
            trained = self.policy.update(terms.arm, entry.features, reward.profit)
            self._compare(trained, reward)
        self._orders.window_ended(opened)
        self.statistics.ended(opened, reward.profit)
        opened.window_ended = True
        self._open.changed(opened)

    def _book_orders(self, opened: OpenDecision, reward: Reward) -> None:
        for each in opened.earnings.orders:
            order = _order(opened.terms, reward, each.order, each.at_s)
            self._orders.relearn(opened.terms, order, each.money, reward.at.seconds)

    def _corrected(self, entry: LedgerEntry, reward: Reward) -> None:
        terms, at_s = entry.terms, reward.at.seconds
        order_id, cause = reward.orders[0], reward.cause
        money = Money(reward.margin, _revenue(terms, reward.cost))
        if cause in {None, "order"}:
            order = _order(terms, reward, order_id, reward.ordered_at[0].seconds)
            self._orders.relearn(terms, order, money, at_s)
        else:
            revision = Revision(
                reward.reward_id, "", money, cancelled=cause == "cancellation", redeems=reward.cost > 0.0
            )
            self._orders.relearn_revision(order_id, revision, at_s)
        self._orders.relearn_costs(terms, reward.reward_id, _charges(terms, reward.cost), at_s)
        if terms.is_trainable:
            self._compare(self.policy.revise(terms.arm, entry.features, reward.profit), reward)
        if reward.cost:
            self._rules.corrected(terms, reward.cost, at_s)
        self.statistics.corrected(terms, reward.profit)

    def _compare(self, trained: float | None, reward: Reward) -> None:
        if trained is not None and reward.trained_profit is not None:
            is_same = math.isclose(trained, reward.trained_profit, rel_tol=1e-6, abs_tol=1e-6)
            self.found.capped_otherwise += not is_same

    def cart_ended(self, outcome: Outcome) -> tuple[dict[str, Any] | None, float]:
        """Take what became of a cart; return the features that the model learns from, and as of when."""
        self._carts.close(outcome.cart_id, outcome.at.seconds)
        at_s, found = outcome.at.seconds, None
        if outcome.moment_id is not None:
            found = self._ledger.get(name_of("decision", outcome.market, outcome.moment_id))
        if found is None:
            return outcome.features, at_s
        entry = read_entry(found)
        features = {name: value for name, value in entry.features.items() if name != "abandonment"}
        return features if outcome.features is None else outcome.features, entry.terms.at_s

    def forget_person(self, record: VisitorErased) -> None:
        """Take the erasure of a person: what is known of the time before it says nothing of that person."""
        self.found.erased += 1
        at_s = record.at.seconds
        users = () if record.user_id is None else (record.user_id,)
        person = ErasedPerson(record.visitor_ids, users, ())
        self._forget(person, at_s)
        self._erasing.apply_now()
        self.erased.persons += 1
        self.erased.cut_short += record.cut_short

    def remember_outcome(self, outcome: Outcome) -> None:
        """Remember that the model was trained on an outcome."""
        self._ledger.remember(relearned_name(outcome.outcome_id), outcome.at.seconds, b"")

    def passed(self, time_s: float) -> None:
        """Drop what is not needed any more at a time."""
        self.forget(time_s)

    def relearned(self) -> None:
        """Note up to when everything was learned."""
        self.relearned_s = self.found.latest_s

    @property
    def open_count(self) -> int:
        """How many decisions are open."""
        return len(self._open) + len(self._unrecovered)

    def open_since_s(self) -> float | None:
        """Return when the oldest decision was taken that has no reward yet, None where all have one."""
        waiting = (entry.terms.at_s for entry in self._unrecovered.before(math.inf))
        return min(waiting, default=None)


class RelearningMarket:
    """One market that is rebuilt: its decisions, its policy, its abandonment model.

    ``awaited`` are the decisions whose reward is not published yet.
    """

    def __init__(self, config: MarketConfig, settings: MarketSettings, awaited: Container[str]) -> None:
        self.station = MarketStation(config, settings)
        self.machine = RelearningMachine(config, settings.decisions, awaited)
        self.station.decisions = self.machine
        self._offered: dict[str, bytes] = {}
        self._controls: dict[str, Any] = {}
        self._passed_s = -math.inf
        self._since_snapshot = 0
        self._waiting: list[_Waiting] = []
        self._untrained = 0

    @property
    def found(self) -> Relearned:
        """What it was rebuilt from so far."""
        return self.machine.found

    def _at(self, at_s: float) -> None:
        self.found.latest_s = max(self.found.latest_s, at_s)
        if at_s >= self._passed_s + FORGET_EVERY_S:
            self._passed_s = at_s
            self.machine.passed(at_s)
        self._since_snapshot += 1
        if self._since_snapshot >= SNAPSHOT_EVERY:
            self._since_snapshot = 0
            self.machine.snapshot()

    def offered(self, decision_id: str, offered: bytes) -> None:
        """Take the record of an offer, before that of its decision."""
        self._offered[decision_id] = offered

    def decided(self, decision_id: str, decided: bytes, at_s: float) -> None:
        """Take a decision."""
        self._at(at_s)
        self.machine.decided(decided, self._offered.pop(decision_id, None))

    def offer_ended(self, event: EndedOffer) -> None:
        """Take the end of an offer; without its decision it is done with, unless its time is read again."""
        self._at(event.time.seconds)
        decision = event.data.decision_id
        if decision in self._offered:
            since_s = self.machine.open_since_s()
            if since_s is None or _offer(self._offered[decision]).data.at.seconds < since_s:
                del self._offered[decision]
        self.machine.offer_ended(event)

    def rewarded(self, reward: Reward) -> None:
        """Take a reward."""
        self._at(reward.at.seconds)
        self.machine.rewarded(reward)

    def forget_person(self, record: VisitorErased) -> None:
        """Take the erasure of a person."""
        self._at(record.at.seconds)
        self.machine.forget_person(record)

    def cart_ended(self, outcome: Outcome) -> None:
        """Take the outcome of a cart, and train the model on its features.

        Of earlier versions they stand in the decision of its moment alone, if it led to one.
        """
        found = self.found
        self._at(outcome.at.seconds)
        found.outcomes += 1
        features, moment_s = self.machine.cart_ended(outcome)
        if outcome.abandonment is None:
            return
        if features is None:
            found.untrained += 1
            return
        self._untrained += 1
        is_update = outcome.weight is not None and not outcome.treated
        version = -1 if outcome.model_version is None else outcome.model_version
        heappush(self._waiting, _Waiting(version, is_update, self._untrained, outcome, features, moment_s))
        self._train()

    def _train(self, most: int = OUTCOMES_WAITING) -> None:
        """Train the model on the outcomes whose turn it is, in the order in which it was trained."""
        model, waiting = self.station.abandonment, self._waiting
        while waiting and (waiting[0].version <= model.version or len(waiting) > most):
            _, is_update, _, outcome, features, moment_s = heappop(waiting)
            times = OutcomeTimes(moment_s, outcome.at.seconds)
            abandoned = outcome.kind == "abandoned"
            if is_update:
                model.learn(features, abandoned, outcome.weight or 0.0, times)
            else:
                model.observe_treated(features, abandoned, times)
            self.found.trained += 1
            self.machine.remember_outcome(outcome)

    def controlled(self, record: ControlApplied) -> None:
        """Take a change by controls."""
        self._at(record.at.seconds)
        self.found.controls += 1
        self._controls = _changed(self._controls, record.set)
        settings = tuple(
            ControlSetting(path, msgspec.json.encode(value)) for path, value in sorted(self._controls.items())
        )
        change = ControlsChange(
            at_s=record.at.seconds,
            id=record.change_id,
            market=record.market,
            version=record.version,
            settings=settings,
        )
        self.machine.process_controls(change)

    def snapshot(self) -> bytes:
        """Return the state with which the market goes on; nothing may be told it afterwards."""
        for offered in self._offered.values():
            self.machine.unrecorded(_offer(offered), offered)
        self._train(most=0)
        self.machine.relearned()
        self.station.snapshot()  # the rows that changed are written with the next, which has none
        return self.station.snapshot()


def _offer(record: bytes) -> OfferDecided:
    offer = read_offer_record(record)
    if not isinstance(offer, OfferDecided):
        raise TypeError(f"an offer that was made, not {type(offer).__name__}")
    return offer


def _changed(controls: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in {**controls, **more}.items() if value is not None}


def _earnings(terms: DecisionTerms, reward: Reward) -> Earnings:
    """Return what a decision has earned, as its reward says it.

    Of several orders it does not say which caused what of the cost: it counts with the first.
    """
    by_orders = reward.margin - sum(reward.order_profits)
    orders = []
    for number, (order, at, profit) in enumerate(
        zip(reward.orders, reward.ordered_at, reward.order_profits, strict=True)
    ):
        cost = by_orders if number == 0 else 0.0
        orders.append(AttributedOrder(order, at.seconds, Money(profit + cost, _revenue(terms, cost))))
    return Earnings(
        money=Money(reward.margin, _revenue(terms, reward.cost)),
        orders=orders,
        shown=reward.shown,
        clicked=reward.clicked,
        redemption_seen=reward.redeemed,
        partial=reward.partial,
        withheld=not reward.cost and terms.cost.charged == "decided",
    )


def _charges(terms: DecisionTerms, cost: float) -> Charges:
    """Return what was charged, where so much was in the end."""
    fixed = math.copysign(min(abs(cost), terms.cost.fixed), cost)
    return Charges(cost - fixed, fixed) if cost else Charges(0.0, 0.0)


def _revenue(terms: DecisionTerms, cost: float) -> float:
    """Return of which revenue a cost is the offer's share; zero where it has none."""
    share = _charges(terms, cost).share if terms.cost.charged in CHARGED_FOR_ORDERS else 0.0
    return share / terms.cost.share if terms.cost.share else 0.0


def _order(terms: DecisionTerms, reward: Reward, order_id: str, at_s: float) -> Order:
    """Return an order of which nothing is known but its decision; what it holds is not in the records."""
    return Order(
        at_s=at_s,
        visitor=terms.visitor,
        id=reward.reward_id,
        market=reward.market,
        user=terms.user,
        order=order_id,
        position="",
        lines=(),
    )
