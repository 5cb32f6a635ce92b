"""The decisions of one market: each is taken once, watched until its window ends, and then learned from."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from operators.bandits.spec import built, taken_up
from operators.decisions.attribution import correct, credited, learn
from operators.decisions.cart_treatments import Cart, CartTreatments
from operators.decisions.crash_recovery import UnrecoveredDecisions
from operators.decisions.decision_record import entry_of
from operators.decisions.ledger import Entry, Ledger, read, write
from operators.decisions.open_decisions import Watched
from operators.decisions.output_records import expired_said, offered_said, revoked_said
from operators.decisions.reward import OpenDecision, opened
from operators.decisions.selection import DecisionSettings, Occasion, Scored, choose
from operators.decisions.statistics import MarketStatistics
from operators.experiments.assignment import Assignments
from operators.streaming.ids import check_format, name_of
from operators.streaming.messages import Fact, Moment, Outcome, OutputRecord
from schemas.shop import Market, Offer

FORMAT: Final = 2
FORGET_EVERY_S: Final = 10.0
"""The ledger is trimmed once in so many seconds of event time."""
SLACK_S: Final = 86_400.0
"""The ledger keeps entries this much longer than a correction could still need them."""


class _State(msgspec.Struct, array_like=True):
    format: int
    seq: int
    policy: str
    lessons: bytes
    open: list[OpenDecision]
    cooldown: dict[str, float]
    carts: dict[str, Cart]
    forgot_s: float
    tallies: MarketStatistics
    adopting: list[str]


class Decisions:
    """The decision machine of one market.

    Bounded as ``Watched``, ``UnrecoveredDecisions`` and ``CartTreatments`` say; the ledger by the correction period, and its
    assignments as ``Assignments`` says. ``said`` collects what is said until it is taken. ``left`` are the
    words of the policy whose lessons were left behind, where the state knew another one.
    """

    def __init__(
        self,
        market: Market,
        offers: Sequence[Offer],
        ledger: Ledger,
        settings: DecisionSettings,
        state: bytes | None = None,
    ) -> None:
        self.market = market
        self.said: list[OutputRecord] = []
        self.tallies = MarketStatistics()
        self.policy = built(settings.policy, seed=settings.seed)
        self.left: str | None = None
        self._offers = {offer.name: offer for offer in offers}
        self._ledger = ledger
        self._settings = settings
        self._assignments = Assignments(market.name, market.holdout, ledger)
        self._seq = 0
        self._watched = Watched()
        self._adopting = UnrecoveredDecisions()
        self._treated = CartTreatments({}, {})
        self._forgot_s = -math.inf
        if state is not None:
            self._restore(msgspec.msgpack.decode(state, type=_State))
        for entry in map(read, ledger.after(self._seq)):
            self._adopting.add(entry)
            self._seq = entry.seq

    def _restore(self, state: _State) -> None:
        check_format("decisions", state.format, FORMAT)
        settings = self._settings
        kept = taken_up(settings.policy, state.lessons, state.policy, seed=settings.seed)
        if kept is None:
            self.left = state.policy
        else:
            self.policy = kept
        self._seq = state.seq
        self._treated = CartTreatments(state.cooldown, state.carts)
        self._forgot_s = state.forgot_s
        self.tallies = state.tallies
        for each in state.open:
            self._watched.add(each)
        for found in map(self._ledger.get, state.adopting):
            if found is not None:
                self._adopting.add(read(found))

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        return msgspec.msgpack.encode(
            _State(
                FORMAT,
                self._seq,
                self._settings.policy,
                self.policy.dumps(),
                list(self._watched),
                self._treated.cooldowns,
                self._treated.carts,
                self._forgot_s,
                self.tallies,
                self._adopting.decisions(),
            )
        )

    def figures(self) -> dict[str, float]:
        """Return how much is held."""
        return {
            "open_decisions": len(self._watched),
            "unrecovered_decisions": len(self._adopting),
            "cooldowns": len(self._treated.cooldowns),
            "cart_treatments": len(self._treated.carts),
        }

    # What happens

    def take_moment(self, moment: Moment, scored: Scored) -> None:
        """Decide, if this moment calls for a decision; the one decision it led to before is said again."""
        self._settle(moment.visitor, moment.at_s)
        settings = self._settings
        if moment.kind not in settings.deciding:
            return
        decision_id = f"{self.market.name}.{name_of('decision', moment.market, moment.id)}"
        adopted = self._adopting.get(decision_id)
        if adopted is not None:
            self._adopt(adopted)
            return
        if moment.at_s < settings.emit_after_s or self._is_busy(moment) or self._ledger.get(decision_id):
            return
        context = {**moment.features, "abandonment": scored.score}
        self._decide(Occasion(decision_id, moment, scored, context))

    def take_order(self, order: Fact) -> None:
        """Credit an order to one decision and revoke the offers its buyer still holds."""
        self._settle(order.visitor, order.at_s)
        held = self._watched.of_visitor(order.visitor)
        found = credited(order, held, self._ledger, self._settings.correction_s)
        if found is not None:
            self.tallies.diagnosis.credited(order.at_s)
        if isinstance(found, OpenDecision):
            found.credit(order, self.market.margin_rate)
        elif found is not None:
            self.said.append(correct(order, found, self.market, self.policy, self.tallies))
        for each in held:
            if each.live:
                each.live = False
                self.said.append(revoked_said(self.market.name, each, order))
                self._watched.changed(each)

    def take_feedback(self, feedback: Fact) -> None:
        """Note what a visitor did with an offer."""
        self._settle(feedback.visitor, feedback.at_s)
        found = self._watched.get(feedback.offers[0])
        if found is None or not found.treated:
            return
        found.shown = True  # whoever clicked it, used it or put it away has seen it
        found.clicked |= feedback.type == "offer_clicked"
        found.redeemed |= feedback.type == "offer_redeemed"

    def decision_for(self, cart: str) -> str | None:
        """Return the latest decision for a cart that is still in progress."""
        return self._treated.decision_for(cart)

    def take_outcome(self, outcome: Outcome) -> tuple[bool, float]:
        """Return whether an offer preceded what became of a cart, and the probability that none was made."""
        return self._treated.take_outcome(outcome)

    def fire(self, before_s: float) -> None:
        """Do what is due before a time: take over adopted decisions, end windows, let offers expire."""
        if self._adopting:
            for entry in self._adopting.before(before_s):
                self._adopt(entry)
        for due_s, each in self._watched.due(before_s):
            self._end_what_is_due(each, math.nextafter(due_s, math.inf))

    def forget(self, time_s: float) -> None:
        """Drop what no later event can need."""
        self._treated.forget(time_s)
        if time_s >= self._forgot_s + FORGET_EVERY_S and math.isfinite(time_s):
            self._forgot_s = time_s
            needed_s = min((each.at_s for each in self._watched if not each.learned), default=math.inf)
            self._ledger.forget(min(time_s - self._settings.correction_s - SLACK_S, needed_s))
            self._assignments.forget(time_s)

    # Deciding

    def _is_busy(self, moment: Moment) -> bool:
        visitor = moment.visitor
        if self._adopting.of_visitor(visitor) or self._treated.is_cooling(visitor, moment.at_s):
            return True
        return any(each.cart == moment.cart for each in self._watched.of_visitor(visitor))

    def _decide(self, on: Occasion) -> None:
        chosen = choose(on, self.policy, self._assignments, self._offers, self._settings)
        self._seq += 1
        entry = entry_of(self._seq, on, chosen, self.market, self._settings)
        write(self._ledger, entry)
        self._begin(entry)

    def _begin(self, entry: Entry) -> None:
        """Say a decision and watch it. One that had no choice has no window and holds nothing up."""
        visitor = entry.visitor
        self.said.append(
            OutputRecord(
                "decisions", "decision", visitor, entry.decision, entry.decided, since_s=entry.since_s
            )
        )
        self.tallies.decided(entry)
        if entry.window_ends_s <= entry.at_s:
            return
        if entry.offered is not None:
            self.said.append(offered_said(visitor, entry.decision, entry.offered, entry.since_s))
        self._treated.decided(entry, self._settings.cooldown_s)
        self._watched.add(opened(entry))

    # Watching

    def _adopt(self, entry: Entry) -> None:
        self._adopting.remove(entry)
        self._begin(entry)

    def _settle(self, visitor: str, before_s: float) -> None:
        """Bring one visitor's decisions up to a time, before something of that time is taken."""
        for entry in self._adopting.of_visitor(visitor):
            if entry.at_s < before_s:
                self._adopt(entry)
        for each in self._watched.of_visitor(visitor):
            self._end_what_is_due(each, before_s)

    def _end_what_is_due(self, each: OpenDecision, before_s: float) -> None:
        if each.live and each.expires_s is not None and each.expires_s < before_s:
            each.live = False
            self.said.append(expired_said(self.market.name, each, each.expires_s))
        if not each.learned and each.window_ends_s < before_s:
            each.learned = True
            self.said.append(learn(each, self.market, self.policy, self.tallies, self._ledger))
        self._watched.changed(each)
