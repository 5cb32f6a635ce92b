"""The decisions of one market: each is taken once, watched until its window ends, and then learned from."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec
import orjson

from operators.assignment import Assignments
from operators.eligibility import choice
from operators.facts import Fact, Moment, Outcome, Said
from operators.features import Features
from operators.ids import check_format, name_of
from operators.ledger import Charge, Entry, Ledger, read, write
from operators.policy_words import built, taken_up
from operators.records import (
    cart_of,
    correction_said,
    expired_said,
    offer_event,
    offered_said,
    revoked_said,
    rfc3339,
    treatment,
    window_said,
)
from operators.rewards import Open, late_profit, opened
from operators.tallies import Tallies
from operators.timers import Timers
from schemas.catalog import NO_OFFER, Market, Offer

V = TypeVar("V")

FORMAT: Final = 2
FORGET_EVERY_S: Final = 10.0
"""The ledger is trimmed once in so many seconds of event time."""
SLACK_S: Final = 86_400.0
"""The ledger keeps entries this much longer than a correction could still need them."""
CART_S: Final = 7 * 86_400.0
"""How long a cart without an outcome is remembered as decided upon."""

MAX_AGE_S: Final[Mapping[str, float]] = MappingProxyType({"on_site": 600.0, "app": 3600.0, "email": 21_600.0})
"""How old a moment may be when it is read, for each channel to be still worth an offer."""


_IN_BOTH: Final = (
    *("offer_id", "decision_id", "moment_id", "visitor_id", "user_id", "market", "at", "expires_at"),
    *("trigger", "abandonment", "propensity", "policy", "policy_version", "model", "model_version"),
)


class DecisionSettings(msgspec.Struct, frozen=True):
    """What leads to a decision and for how long it counts.

    Times are in seconds; no moment before ``emit_after_s`` leads to a decision.
    """

    deciding: frozenset[str] = frozenset({"cart_idle"})
    policy: str = "linear_thompson"
    seed: int = 0
    cooldown_s: float = 86_400.0
    correction_s: float = 7 * 86_400.0
    max_age_s: Mapping[str, float] = MAX_AGE_S
    emit_after_s: float = -math.inf
    shadow: bool = False


class Scored(msgspec.Struct, frozen=True):
    """What the abandonment model said of a moment, and which model."""

    score: float
    model: str
    version: int


class _Treated(msgspec.Struct, array_like=True, gc=False):
    """What was decided for a cart so far."""

    at_s: float
    treated: bool = False
    none_probability: float = 1.0
    decision: str | None = None


class _State(msgspec.Struct, array_like=True):
    format: int
    seq: int
    policy: str
    lessons: bytes
    open: list[Open]
    cooldown: dict[str, float]
    carts: dict[str, _Treated]
    forgot_s: float
    tallies: Tallies
    adopting: list[str]


class Decisions:
    """The decision machine of one market.

    Bounded by the decisions whose window or offer is open, by the offers of the cooldown and by the carts in
    progress; the ledger by the correction period, and its assignments as ``Assignments`` says. ``said``
    collects what is said until it is taken. ``left`` are the words of the policy whose lessons were left
    behind, where the state knew another one.
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
        self.said: list[Said] = []
        self.tallies = Tallies()
        self.policy = built(settings.policy, seed=settings.seed)
        self.left: str | None = None
        self._offers = {offer.name: offer for offer in offers}
        self._ledger = ledger
        self._settings = settings
        self._assignments = Assignments(market.name, market.holdout, ledger)
        self._seq = 0
        self._open: dict[str, Open] = {}
        self._of_visitor: dict[str, list[str]] = {}
        self._timers: Timers[str] = Timers()
        self._cooldown: dict[str, float] = {}
        self._carts: dict[str, _Treated] = {}
        self._forgot_s = -math.inf
        self._adopted: dict[str, Entry] = {}
        self._adopted_of: dict[str, list[Entry]] = {}
        if state is not None:
            self._restore(msgspec.msgpack.decode(state, type=_State))
        for entry in map(read, ledger.after(self._seq)):
            self._await(entry)
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
        self._cooldown = state.cooldown
        self._carts = state.carts
        self._forgot_s = state.forgot_s
        self.tallies = state.tallies
        for each in state.open:
            self._watch(each)
        for found in map(self._ledger.get, state.adopting):
            if found is not None:
                self._await(read(found))

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        return msgspec.msgpack.encode(
            _State(
                FORMAT,
                self._seq,
                self._settings.policy,
                self.policy.dumps(),
                list(self._open.values()),
                self._cooldown,
                self._carts,
                self._forgot_s,
                self.tallies,
                list(self._adopted),
            )
        )

    def figures(self) -> dict[str, float]:
        """Return how much is held."""
        return {
            "open_decisions": len(self._open),
            "adopted_decisions": len(self._adopted),
            "cooldowns": len(self._cooldown),
            "decided_carts": len(self._carts),
        }

    # What happens

    def take_moment(self, moment: Moment, scored: Scored) -> None:
        """Decide, if this moment calls for a decision; the one decision it led to before is said again."""
        self._settle(moment.visitor, moment.at_s)
        settings = self._settings
        if moment.kind not in settings.deciding:
            return
        decision_id = f"{self.market.name}.{name_of('decision', moment.market, moment.id)}"
        adopted = self._adopted.get(decision_id)
        if adopted is not None:
            self._adopt(adopted)
            return
        if moment.at_s < settings.emit_after_s or self._is_busy(moment) or self._ledger.get(decision_id):
            return
        entry = self._decide(decision_id, moment, scored)
        write(self._ledger, entry)
        self._begin(entry)

    def take_order(self, order: Fact) -> None:
        """Credit an order to one decision and revoke the offers its buyer still holds."""
        self._settle(order.visitor, order.at_s)
        happened_s = order.own_s
        held = [self._open[name] for name in self._of_visitor.get(order.visitor, ())]
        windows = [each for each in held if each.at_s < happened_s <= each.window_ends_s and not each.learned]
        credited = self._credited(order, happened_s, windows)
        if credited is not None:
            self.tallies.diagnosis.credited(order.at_s)
        if isinstance(credited, Open):
            credited.credit(order, self.market.margin_rate)
        elif credited is not None:
            self._correct(order, credited)
        for each in held:
            if each.live:
                each.live = False
                self.said.append(revoked_said(self.market.name, each, order))
                self._drop_if_over(each)

    def take_feedback(self, feedback: Fact) -> None:
        """Note what a visitor did with an offer."""
        self._settle(feedback.visitor, feedback.at_s)
        found = self._open.get(feedback.offers[0])
        if found is None or not found.treated:
            return
        found.shown = True  # whoever clicked it, used it or put it away has seen it
        found.clicked |= feedback.type == "offer_clicked"
        found.redeemed |= feedback.type == "offer_redeemed"

    def decision_for(self, cart: str) -> str | None:
        """Return the latest decision for a cart that is still in progress."""
        known = self._carts.get(cart)
        return None if known is None else known.decision

    def take_outcome(self, outcome: Outcome) -> tuple[bool, float]:
        """Return whether an offer preceded what became of a cart, and the probability that none was made."""
        cooling = self._cooldown.get(outcome.visitor, -math.inf) > outcome.at_s
        known = self._carts.pop(outcome.cart, None)
        if known is None or known.at_s < outcome.at_s - CART_S:
            return cooling, 1.0
        return cooling or known.treated, known.none_probability

    def fire(self, before_s: float) -> None:
        """Do what is due before a time: take over adopted decisions, end windows, let offers expire."""
        if self._adopted:
            for entry in [entry for entry in self._adopted.values() if entry.at_s < before_s]:
                self._adopt(entry)
        for due_s, decision_id in self._timers.due(before_s):
            self._end_what_is_due(self._open[decision_id], math.nextafter(due_s, math.inf))

    def forget(self, time_s: float) -> None:
        """Drop what no later event can need."""
        _drop_front(self._cooldown, lambda until_s: until_s < time_s)
        _drop_front(self._carts, lambda cart: cart.at_s < time_s - CART_S)
        if time_s >= self._forgot_s + FORGET_EVERY_S and math.isfinite(time_s):
            self._forgot_s = time_s
            needed_s = min((each.at_s for each in self._open.values() if not each.learned), default=math.inf)
            self._ledger.forget(min(time_s - self._settings.correction_s - SLACK_S, needed_s))
            self._assignments.forget(time_s)

    # Deciding

    def _is_busy(self, moment: Moment) -> bool:
        if moment.visitor in self._adopted_of or self._cooldown.get(moment.visitor, -math.inf) > moment.at_s:
            return True
        return any(self._open[name].cart == moment.cart for name in self._of_visitor.get(moment.visitor, ()))

    def _decide(self, decision_id: str, moment: Moment, scored: Scored) -> Entry:
        settings, market = self._settings, self.market
        found = choice(moment, tuple(self._offers.values()), settings.max_age_s)
        context: Features = {**moment.features, "abandonment": scored.score}
        chance = {NO_OFFER: 1.0}
        arm, reason, unit, none_probability = NO_OFFER, None, None, 1.0
        eligible, removed = found.eligible, found.removed
        version = self.policy.lessons
        if len(eligible) == 1:
            reason = "stale" if "stale" in removed.values() else "no_eligible_arm"
        else:
            unit = self._assignments.of(moment.visitor, moment.user, moment.at_s)
            seed = int(decision_id[-15:], 16) ^ settings.seed
            arm, chance = self.policy.choose(eligible, context, seed)
            none_probability = unit.share + (1 - unit.share) * chance[NO_OFFER]
            if unit.held_out:
                removed = removed | dict.fromkeys(eligible[1:], "holdout")
                eligible, chance, arm, reason = [NO_OFFER], {NO_OFFER: 1.0}, NO_OFFER, "holdout"
            elif settings.shadow:
                reason = "shadow"
        holdout = unit is not None and unit.held_out
        chosen = self._offers.get(arm)
        windows = [self._offers[name].reward_window.total_seconds() for name in found.eligible[1:]]
        window_ends_s = moment.at_s + max(windows, default=0.0)
        expires_s = None if chosen is None else moment.at_s + chosen.expires_after.total_seconds()
        made = chosen is not None and not settings.shadow
        decided = {
            "type": "decision",
            "decision_id": decision_id,
            "moment_id": moment.id,
            "visitor_id": moment.visitor,
            "user_id": moment.user,
            "market": market.name,
            "at": rfc3339(moment.at_s),
            "cart_id": moment.cart,
            "cart_value": moment.cart_value,
            "trigger": moment.kind,
            "features": context,
            "abandonment": scored.score,
            "eligible": eligible,
            "removed": removed,
            "probabilities": chance,
            "arm": arm,
            "propensity": chance[arm],
            "holdout": holdout,
            "unit_id": None if unit is None else unit.unit,
            "assignment": None if unit is None else unit.group,
            "assigned_at": None if unit is None else rfc3339(unit.at_s),
            "holdout_share": None if unit is None else unit.share,
            "conflict": unit is not None and unit.conflict,
            "shadow": settings.shadow,
            "teaches": reason is None,
            "reason": reason,
            "offer_id": decision_id if made else None,
            "policy": settings.policy,
            "policy_version": version,
            "model": scored.model,
            "model_version": scored.version,
            "expires_at": rfc3339(expires_s) if made and expires_s is not None else None,
            "window_ends_at": rfc3339(window_ends_s),
        }
        self._seq += 1
        return Entry(
            self._seq,
            decision_id,
            moment.id,
            moment.at_s,
            moment.visitor,
            moment.cart,
            arm,
            "holdout" if holdout else "policy",
            made,
            reason is None,
            none_probability,
            window_ends_s,
            expires_s if made else None,
            Charge() if chosen is None else Charge(chosen.cost.charged, chosen.cost.share, chosen.cost.fixed),
            context,
            orjson.dumps(decided),
            self._offer(moment, chosen, decided) if chosen is not None and made else None,
            moment.read_s if moment.sent_s is None else moment.sent_s,
        )

    def _offer(self, moment: Moment, chosen: Offer, decided: dict[str, Any]) -> bytes:
        data = {name: decided[name] for name in _IN_BOTH}
        data["session_id"] = moment.session
        data["cart"] = cart_of(moment, self.market.currency)
        data["treatment"] = treatment(chosen)
        event = offer_event("offer.decided", self.market.name, moment.id, decided["decision_id"], data)
        event["expirytime"] = decided["expires_at"]
        return orjson.dumps(event)

    def _begin(self, entry: Entry) -> None:
        """Say a decision and watch it. One that had no choice has no window and holds nothing up."""
        visitor = entry.visitor
        self.said.append(
            Said("decisions", "decision", visitor, entry.decision, entry.decided, since_s=entry.since_s)
        )
        self.tallies.decided(entry)
        if entry.window_ends_s <= entry.at_s:
            return
        if entry.offered is not None:
            self.said.append(offered_said(visitor, entry.decision, entry.offered, entry.since_s))
            self._cooldown.pop(visitor, None)
            self._cooldown[visitor] = entry.at_s + self._settings.cooldown_s
        cart = self._carts.setdefault(entry.cart, _Treated(entry.at_s))
        cart.treated |= entry.treated
        cart.none_probability *= entry.none_probability
        cart.decision = entry.decision
        self._watch(opened(entry))

    def _watch(self, each: Open) -> None:
        self._open[each.decision] = each
        self._of_visitor.setdefault(each.visitor, []).append(each.decision)
        self._timers.set(each.decision, each.due_s())

    # Adopting

    def _await(self, entry: Entry) -> None:
        self._adopted[entry.decision] = entry
        self._adopted_of.setdefault(entry.visitor, []).append(entry)

    def _settle(self, visitor: str, before_s: float) -> None:
        """Bring one visitor's decisions up to a time, before something of that time is taken."""
        for entry in tuple(self._adopted_of.get(visitor, ())):
            if entry.at_s < before_s:
                self._adopt(entry)
        for decision_id in tuple(self._of_visitor.get(visitor, ())):
            self._end_what_is_due(self._open[decision_id], before_s)

    def _adopt(self, entry: Entry) -> None:
        del self._adopted[entry.decision]
        waiting = self._adopted_of[entry.visitor]
        waiting.remove(entry)
        if not waiting:
            del self._adopted_of[entry.visitor]
        self._begin(entry)

    # Learning

    def _end_what_is_due(self, each: Open, before_s: float) -> None:
        if each.live and each.expires_s is not None and each.expires_s < before_s:
            each.live = False
            self.said.append(expired_said(self.market.name, each, each.expires_s))
        if not each.learned and each.window_ends_s < before_s:
            each.learned = True
            self._learn(each)
        self._drop_if_over(each)

    def _learn(self, each: Open) -> None:
        cost = each.cost()
        profit = each.margin - cost
        if each.teaches:
            self.policy.update(each.arm, self._entry(each.decision).features, profit)
        self.tallies.closed(each, profit)
        self.said.append(window_said(self.market.name, each, cost))

    def _credited(self, order: Fact, happened_s: float, windows: Sequence[Open]) -> Open | Entry | None:
        """Return the one decision an order is credited to: the one it names, its cart's, or the latest."""
        among: list[Open | Entry] = [*windows]
        if not windows or order.offers:
            over = self._correctable(order.visitor, happened_s)
            among += [entry for entry in over if not windows or entry.decision in order.offers]
        return max(
            among,
            key=lambda of: (of.decision in order.offers, of.cart == order.cart, of.at_s, of.decision),
            default=None,
        )

    def _correct(self, order: Fact, entry: Entry) -> None:
        """Change what was learned from a decision whose window had ended before this order was read."""
        earned, cost = late_profit(entry, order, self.market.margin_rate)
        if entry.teaches:
            self.policy.revise(entry.arm, entry.features, earned - cost)
        self.tallies.corrected(entry, earned - cost)
        self.said.append(correction_said(self.market.name, opened(entry), order, (earned, cost)))

    def _correctable(self, visitor: str, happened_s: float) -> Iterator[Entry]:
        for entry in map(read, self._ledger.of_visitor(visitor)):
            if entry.at_s + self._settings.correction_s < happened_s:
                return
            choice_was_made = entry.window_ends_s > entry.at_s
            watched = self._open.get(entry.decision)
            if entry.at_s < happened_s and choice_was_made and (watched is None or watched.learned):
                yield entry

    def _entry(self, decision_id: str) -> Entry:
        found = self._ledger.get(decision_id)
        if found is None:
            raise LookupError(f"the ledger of market {self.market.name!r} has lost decision {decision_id}")
        return read(found)

    def _drop_if_over(self, each: Open) -> None:
        if each.learned and not each.live:
            self._timers.drop(each.decision)
            del self._open[each.decision]
            mine = self._of_visitor[each.visitor]
            mine.remove(each.decision)
            if not mine:
                del self._of_visitor[each.visitor]
        elif each.decision in self._open:
            self._timers.set(each.decision, each.due_s())


def _drop_front(items: dict[str, V], over: Callable[[V], bool]) -> None:
    while items:
        first = next(iter(items))
        if not over(items[first]):
            return
        del items[first]
