"""The visits of one shard: how facts move them, when they end, and what is said of their carts."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final, Literal, cast

import msgspec

from operators.ingest.from_events import FEEDBACK
from operators.sessions.cart import Change, Op, Sample
from operators.sessions.features import features, packed, unpacked
from operators.sessions.visit import Visit, same
from operators.sessions.visit_store import LiveVisits, Visitor, written
from operators.streaming.ids import name_of, share_of
from operators.streaming.messages import RANK, Fact, FeatureRow, Moment, Outcome, Row
from operators.streaming.timers import Timers

RETURNING: Final = 512
"""A shard remembers the visit counts of the visitors whose visits ended last, this many."""
ABANDONED: Final = 4096
"""A shard remembers this many abandoned carts, for as long as an order would be their recovery."""

_CHANGES: Final[dict[str, Change]] = {"cart_item_added": "added", "cart_item_removed": "removed"}


class VisitSettings(msgspec.Struct, frozen=True):
    """When a visit ends, when its cart counts as idle, how long a recovery is looked for; all in seconds."""

    timezones: Mapping[str, tzinfo]
    session_gap_s: float = 1800.0
    idle_s: float = 120.0
    recovery_s: float = 86_400.0
    lateness_s: float = 10.0


class Abandoned(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A cart that was left behind when its visit ended."""

    market: str
    visitor: str
    cart: str
    at_s: float


class Live(msgspec.Struct, array_like=True):
    """The state of the sessions of a shard, as it is written down; visits as they are saved."""

    visits: list[msgspec.Raw]
    abandoned: list[Abandoned]
    returning: dict[int, int]


class Sessions:
    """The session state machine of every visitor of one shard.

    Bounded by the visits that are live (freed when they end), ``ABANDONED`` and ``RETURNING``. ``rows`` and
    ``saved`` collect what is said until the shard takes them; ``carts`` counts the visits that have one.
    """

    def __init__(self, settings: VisitSettings) -> None:
        self.rows: list[Row] = []
        self.saved: list[FeatureRow] = []
        self.visits = LiveVisits()
        self.timers: Timers[Visitor] = Timers()
        self.read_s: float | None = None
        self.carts = 0
        self._settings = settings
        self._quiet_s = min(settings.idle_s, settings.session_gap_s)
        self._touched: dict[Visitor, None] = {}
        self._abandoned: dict[Visitor, Abandoned] = {}
        self._returning: dict[int, int] = {}

    def live(self) -> Live:
        """Return the state to write down."""
        visits = cast("list[msgspec.Raw]", self.visits.rows())  # what is encoded here is raw when it is read
        return Live(visits, list(self._abandoned.values()), self._returning)

    def restore(self, live: Live) -> None:
        """Take up a state that was written down; timers follow from the visits."""
        self._abandoned = {(left.market, left.visitor): left for left in live.abandoned}
        self._returning = live.returning
        for key, visit in self.visits.restore(live.visits):
            self._touched[key] = None
            self.carts += visit.cart is not None
            self.timers.set(key, self._due_s(visit))

    def take(self, fact: Fact) -> None:
        """Take one fact: the visitor's own due timers fire first."""
        if fact.type in FEEDBACK:
            self.rows.append(fact)
            return
        key = (fact.market, fact.visitor)
        visit = self.visits.get(key)
        if visit is not None and fact.at_s > visit.last_s + self._quiet_s:
            while visit is not None and self._due_s(visit) < fact.at_s:
                self._fire_next(key, visit)
                visit = self.visits.get(key)
        if fact.type == "order_completed":
            self._order(key, visit, fact)
            return
        if visit is None:
            visit = Visit(same(fact.market), fact.visitor, fact.at_s, fact.at_s)
            visit.visits_before = self._returning.get(_memory(visit), 0)
            self.visits.add(key, visit)
            self.timers.set(key, self._due_s(visit))
        self._touched[key] = None
        was_idle = visit.idle_said
        visit.saw(fact)
        if was_idle:
            self.timers.set(key, self._due_s(visit))
        if fact.lines is not None:
            self._change_cart(key, visit, fact)
        elif fact.type == "checkout_started" and visit.cart_is_full:
            self._moment(visit, "checkout_begun", fact.at_s, fact.id, fact.sent_s)

    def fire(self, before_s: float) -> bool:
        """Fire every timer that is due before a time, in order; say whether any was."""
        fired = False
        for set_s, key in self.timers.due(before_s):
            visit = self.visits.get(key)
            if visit is not None and self._due_s(visit) <= set_s:
                self._fire_next(key, visit)
                fired = True
                visit = self.visits.get(key)
            if visit is not None:
                self.timers.set(key, self._due_s(visit))
        return fired

    def forget(self, time_s: float) -> bool:
        """Drop the abandoned carts that can no longer be recovered; say whether there were any."""
        horizon_s = time_s - self._settings.recovery_s
        gone = False
        while self._abandoned:
            key = next(iter(self._abandoned))
            if self._abandoned[key].at_s >= horizon_s:
                break
            del self._abandoned[key]
            gone = True
        return gone

    def save_touched(self) -> None:
        """Hand every visit that moved since the last time to the feature store."""
        for key in self._touched:
            self.saved.append(FeatureRow(*key, "visit", self.visits.row(key)))
        self.visits.rest(self._touched)
        self._touched.clear()

    def _due_s(self, visit: Visit) -> float:
        if visit.cart_is_full and not visit.idle_said:
            return visit.last_s + self._quiet_s
        return visit.last_s + self._settings.session_gap_s

    def _fire_next(self, key: Visitor, visit: Visit) -> None:
        due_s = self._due_s(visit)
        if due_s >= visit.last_s + self._settings.session_gap_s:
            self._end(key, visit, due_s)
        else:
            visit.idle_said = True
            self._moment(visit, "cart_idle", due_s, "", None)

    def _end(self, key: Visitor, visit: Visit, at_s: float) -> None:
        self.carts -= visit.cart is not None
        if visit.cart is not None and visit.cart.lines:
            self._moment(visit, "session_ended", at_s, "", None)
            self._outcome(visit, "abandoned", at_s)
            self._abandoned.pop(key, None)
            self._abandoned[key] = Abandoned(visit.market, visit.visitor, visit.cart.id, at_s)
            if len(self._abandoned) > ABANDONED:
                del self._abandoned[next(iter(self._abandoned))]
        self.saved.append(FeatureRow(*key, "visit", written(visit)))
        self._touched.pop(key, None)
        self.timers.drop(key)
        self.visits.remove(key)
        memory = _memory(visit)
        self._returning.pop(memory, None)
        self._returning[memory] = visit.visits_before + 1
        if len(self._returning) > RETURNING:
            del self._returning[next(iter(self._returning))]

    def _change_cart(self, key: Visitor, visit: Visit, fact: Fact) -> None:
        if visit.ordered_s is not None and fact.at_s <= visit.ordered_s:
            return
        change = _CHANGES.get(fact.type, "replaced")
        cart_id = fact.cart or name_of("cart", fact.market, fact.visitor, fact.id)
        op = Op(fact.at_s, fact.rank, fact.id, change, fact.lines or ())
        self.carts += visit.cart is None
        cart = visit.change_cart(cart_id, op, self._settings.lateness_s)
        if cart.lines:
            self.timers.set(key, self._due_s(visit))
            kind = "checkout_begun" if fact.type == "checkout_started" else "cart_changed"
            self._moment(visit, kind, fact.at_s, fact.id, fact.sent_s)

    def _order(self, key: Visitor, visit: Visit | None, fact: Fact) -> None:
        happened_s = fact.own_s
        cart_id = fact.cart
        bought = False
        if visit is not None:
            self._touched[key] = None
            visit.saw(fact)
            cart = visit.cart
            if cart is not None and cart.started_s <= happened_s:
                if cart.lines:
                    cart_id = cart.id
                    bought = True
                    self._outcome(visit, "purchased", fact.at_s)
                visit.cart = None
                self.carts -= 1
            self.timers.set(key, self._due_s(visit))
        left = self._abandoned.get(key)
        if left is not None and not bought and happened_s - left.at_s <= self._settings.recovery_s:
            del self._abandoned[key]
            cart_id = left.cart
            self.rows.append(_recovered(left, fact.at_s))
        self.rows.append(fact if cart_id == fact.cart else msgspec.structs.replace(fact, cart=cart_id))

    def _moment(self, visit: Visit, kind: str, at_s: float, cause: str, sent_s: float | None) -> None:
        cart = visit.cart
        if cart is None:
            return
        name = name_of("moment", visit.market, visit.visitor, kind, cause, repr(at_s))
        seen = features(visit, kind, at_s, self._settings.timezones[visit.market])
        if kind != "session_ended":
            cart.moments += 1
            if share_of("sample", name) * cart.moments < 1.0:
                cart.sample = Sample(name, at_s, kind, packed(seen))
        lines = tuple(cart.lines.values())
        moment = Moment(
            at_s,
            RANK[kind],
            visit.visitor,
            name,
            visit.market,
            kind,
            cart.id,
            cart.value,
            lines,
            seen,
            visit.user,
            visit.session,
            self.read_s,
            sent_s,
        )
        self.rows.append(moment)

    def _outcome(self, visit: Visit, kind: Literal["purchased", "abandoned"], at_s: float) -> None:
        cart = visit.cart
        if cart is None:
            return
        outcome = _named(visit.market, visit.visitor, kind, cart.id, at_s)
        sample = cart.sample
        if sample is not None:
            outcome = msgspec.structs.replace(
                outcome,
                moment=sample.moment,
                moment_at_s=sample.at_s,
                moment_kind=sample.kind,
                moments=cart.moments,
                features=unpacked(sample.values),
            )
        self.rows.append(outcome)


def _named(market: str, visitor: str, kind: str, cart: str, at_s: float) -> Outcome:
    name = name_of("outcome", market, visitor, kind, cart, repr(at_s))
    return Outcome(at_s, RANK["outcome"], visitor, name, market, kind, cart)


def _recovered(left: Abandoned, at_s: float) -> Outcome:
    return _named(left.market, left.visitor, "recovered", left.cart, at_s)


def _memory(visit: Visit) -> int:
    return int(share_of("visitor", visit.market, visit.visitor) * 2**56)
