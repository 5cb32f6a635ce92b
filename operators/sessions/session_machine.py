"""The session state machine of one shard: how events move visits, when visits end, what follows for carts."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec

from operators.sessions.abandoned_carts import AbandonedCart, AbandonedCarts
from operators.sessions.cart import CartChange, ChangeKind, MomentSample
from operators.sessions.features import features, pack, unpack
from operators.sessions.returning_visitors import ReturningVisitors
from operators.sessions.visit import Visit, interned
from operators.sessions.visit_store import VisitorKey, VisitStore, encode_visit
from operators.streaming.ids import name_of, share_of
from operators.streaming.messages import (
    Activity,
    AnyShopEvent,
    CartAddition,
    CartOutcome,
    CartRemoval,
    CartSnapshot,
    CheckoutStart,
    FeatureRow,
    MarketEvent,
    Moment,
    OfferClick,
    OfferDismissal,
    OfferFeedback,
    OfferImpression,
    OfferRedemption,
    Order,
    PageView,
    ProductView,
    Search,
    ShopEvent,
    place,
)
from operators.streaming.timers import Timers

_CHANGES: Final[dict[type[ShopEvent], ChangeKind]] = {
    CartAddition: "added",
    CartRemoval: "removed",
    CartSnapshot: "replaced",
    CheckoutStart: "replaced",
}


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a visit ends, when its cart counts as idle, how long a recovery is looked for; all in seconds."""

    timezones: Mapping[str, tzinfo]
    session_gap_s: float
    idle_s: float
    recovery_s: float
    lateness_s: float


class SessionState(msgspec.Struct, array_like=True):
    """The sessions of a shard as they are written down; visits as they are saved."""

    visits: list[msgspec.Raw]
    abandoned: list[AbandonedCart]
    returning: dict[int, int]


class Emitted(NamedTuple):
    """What sessions have emitted: events for the markets and rows for the feature store."""

    events: list[MarketEvent]
    features: list[FeatureRow]


class SessionMachine:
    """The session state machine of every visitor of one shard.

    Bounded by the visits that are live (freed when they end), and as ``AbandonedCarts`` and
    ``ReturningVisitors`` are. ``carts`` counts the visits that have one. What follows is kept until ``drain``
    returns it.
    """

    def __init__(self, settings: SessionSettings) -> None:
        self.visits = VisitStore()
        self.timers: Timers[VisitorKey] = Timers()
        self.read_s: float | None = None
        self.carts = 0
        self._settings = settings
        self._quiet_s = min(settings.idle_s, settings.session_gap_s)
        self._changed: dict[VisitorKey, None] = {}
        self._abandoned = AbandonedCarts()
        self._returning = ReturningVisitors()
        self._events: list[MarketEvent] = []
        self._features: list[FeatureRow] = []

    def state(self) -> SessionState:
        """Return the state to write down."""
        visits = cast("list[msgspec.Raw]", self.visits.rows())  # what is encoded here is raw when it is read
        return SessionState(visits, list(self._abandoned), self._returning.counts)

    def restore(self, state: SessionState) -> None:
        """Take up a state that was written down; timers follow from the visits."""
        self._abandoned = AbandonedCarts(state.abandoned)
        self._returning = ReturningVisitors(state.returning)
        for key, visit in self.visits.restore(state.visits):
            self._changed[key] = None
            self.carts += visit.cart is not None
            self.timers.set(key, self._due_s(visit))

    def drain(self) -> Emitted:
        """Return what followed since the last time."""
        emitted = Emitted(self._events, self._features)
        self._events, self._features = [], []
        return emitted

    def process(self, event: AnyShopEvent) -> None:
        """Process one event, after the visitor's own due timers; KeyError for a kind without a handler."""
        first = len(self._events)
        _HANDLERS[type(event)](self, event)
        if len(self._events) > first + 1:  # in the order in which the market processes them in ordered mode
            self._events[first:] = sorted(self._events[first:], key=place)

    def fire(self, before_s: float) -> bool:
        """Fire every timer that is due before a time, in order; return whether any was."""
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
        """Drop the abandoned carts that can no longer be recovered; return whether there were any."""
        return self._abandoned.forget(time_s - self._settings.recovery_s)

    def save_changed(self) -> None:
        """Emit a row for every visit that changed since the last time."""
        for key in self._changed:
            self._features.append(FeatureRow(*key, "visit", self.visits.row(key)))
        self.visits.rest(self._changed)
        self._changed.clear()

    # Handlers: one a kind of event, in the table at the end

    def on_feedback(self, event: OfferFeedback) -> None:
        """Pass feedback on to the market; it is no activity of the visit."""
        self._events.append(cast("MarketEvent", event))

    def on_activity(self, event: Activity) -> None:
        """Keep a live visit alive; what is not modelled begins none."""
        if self._up_to((event.market, event.visitor), event.at_s) is not None:
            self._observe(event)

    def on_view(self, event: PageView | ProductView | Search) -> None:
        """Count what a visitor looked at."""
        self._observe(event)

    def on_cart_change(self, event: CartAddition | CartRemoval | CartSnapshot) -> None:
        """Change the cart."""
        key, visit = self._observe(event)
        self._change_cart(key, visit, event)

    def on_checkout(self, event: CheckoutStart) -> None:
        """Note that a visitor began to pay, with these lines in the cart where they are listed."""
        key, visit = self._observe(event)
        if event.lines is not None:
            self._change_cart(key, visit, event)
        elif visit.cart_is_full:
            self._moment(visit, "checkout_begun", event.at_s, event.id, event.sent_s)

    def on_order(self, event: Order) -> None:
        """Close the cart that was bought, in this visit or left behind earlier, and pass the order on."""
        key = (event.market, event.visitor)
        visit = self._up_to(key, event.at_s)
        happened_s = event.own_s
        cart_id = event.cart
        bought = False
        if visit is not None:
            self._changed[key] = None
            visit.observe(event)
            cart = visit.cart
            if cart is not None and cart.started_s <= happened_s:
                if cart.lines:
                    cart_id = cart.id
                    bought = True
                    self._outcome(visit, "purchased", event.at_s)
                visit.cart = None
                self.carts -= 1
            self.timers.set(key, self._due_s(visit))
        if not bought:
            left = self._abandoned.recover(key, happened_s, self._settings.recovery_s)
            if left is not None:
                cart_id = left.cart
                self._events.append(_outcome(event.market, event.visitor, "recovered", cart_id, event.at_s))
        self._events.append(event if cart_id == event.cart else msgspec.structs.replace(event, cart=cart_id))

    # Visits

    def _up_to(self, key: VisitorKey, at_s: float) -> Visit | None:
        """Fire the visitor's timers that are due before a time; return the visit that is live then."""
        visit = self.visits.get(key)
        if visit is not None and at_s > visit.last_s + self._quiet_s:
            while visit is not None and self._due_s(visit) < at_s:
                self._fire_next(key, visit)
                visit = self.visits.get(key)
        return visit

    def _observe(self, event: AnyShopEvent) -> tuple[VisitorKey, Visit]:
        key = (event.market, event.visitor)
        visit = self._up_to(key, event.at_s)
        if visit is None:
            visit = Visit(interned(event.market), event.visitor, event.own_s, event.at_s)
            visit.visits_before = self._returning.visits_before(*key)
            self.visits.add(key, visit)
            self.timers.set(key, self._due_s(visit))
        self._changed[key] = None
        was_idle = visit.idle_emitted
        visit.observe(event)
        if was_idle:
            self.timers.set(key, self._due_s(visit))
        return key, visit

    def _due_s(self, visit: Visit) -> float:
        if visit.cart_is_full and not visit.idle_emitted:
            return visit.last_s + self._quiet_s
        return visit.last_s + self._settings.session_gap_s

    def _fire_next(self, key: VisitorKey, visit: Visit) -> None:
        due_s = self._due_s(visit)
        if due_s >= visit.last_s + self._settings.session_gap_s:
            self._end_visit(key, visit, due_s)
        else:
            visit.idle_emitted = True
            self._moment(visit, "cart_idle", due_s, "", None)

    def _end_visit(self, key: VisitorKey, visit: Visit, at_s: float) -> None:
        self.carts -= visit.cart is not None
        if visit.cart is not None and visit.cart.lines:
            self._moment(visit, "session_ended", at_s, "", None)
            self._outcome(visit, "abandoned", at_s)
            self._abandoned.add(AbandonedCart(visit.market, visit.visitor, visit.cart.id, at_s))
        self._features.append(FeatureRow(*key, "visit", encode_visit(visit)))
        self._changed.pop(key, None)
        self.timers.drop(key)
        self.visits.remove(key)
        self._returning.add(*key, visit.visits_before + 1)

    # Carts

    def _change_cart(
        self, key: VisitorKey, visit: Visit, event: CartAddition | CartRemoval | CartSnapshot | CheckoutStart
    ) -> None:
        if visit.ordered_s is not None and event.own_s <= visit.ordered_s:
            return
        cart_id = event.cart or name_of("cart", event.market, event.visitor, event.id)
        change = CartChange(event.own_s, event.rank, event.id, _CHANGES[type(event)], event.lines or ())
        self.carts += visit.cart is None
        cart = visit.change_cart(cart_id, change, event.at_s - self._settings.lateness_s)
        if cart.lines:
            self.timers.set(key, self._due_s(visit))
            kind = "checkout_begun" if isinstance(event, CheckoutStart) else "cart_changed"
            self._moment(visit, kind, event.at_s, event.id, event.sent_s)

    def _moment(self, visit: Visit, kind: str, at_s: float, cause: str, sent_s: float | None) -> None:
        cart = visit.cart
        if cart is None:
            return
        name = name_of("moment", visit.market, visit.visitor, kind, cause, repr(at_s))
        seen = features(visit, kind, at_s, self._settings.timezones[visit.market])
        if kind != "session_ended":
            cart.moments += 1
            if share_of("sample", name) * cart.moments < 1.0:
                cart.sample = MomentSample(name, at_s, kind, pack(seen))
        moment = Moment(
            at_s=at_s,
            visitor=visit.visitor,
            id=name,
            market=visit.market,
            kind=kind,
            cart=cart.id,
            cart_value=cart.value,
            lines=tuple(cart.lines.values()),
            features=seen,
            user=visit.user,
            session=visit.session,
            read_s=self.read_s,
            sent_s=sent_s,
        )
        self._events.append(moment)

    def _outcome(self, visit: Visit, kind: Literal["purchased", "abandoned"], at_s: float) -> None:
        cart = visit.cart
        if cart is None:
            return
        outcome = _outcome(visit.market, visit.visitor, kind, cart.id, at_s)
        sample = cart.sample
        if sample is not None:
            outcome = msgspec.structs.replace(
                outcome,
                moment=sample.moment,
                moment_at_s=sample.at_s,
                moment_kind=sample.kind,
                moments=cart.moments,
                features=unpack(sample.values),
            )
        self._events.append(outcome)


def _outcome(market: str, visitor: str, kind: str, cart: str, at_s: float) -> CartOutcome:
    name = name_of("outcome", market, visitor, kind, cart, repr(at_s))
    return CartOutcome(at_s=at_s, visitor=visitor, id=name, market=market, kind=kind, cart=cart)


_HANDLERS: Final[dict[type[Any], Callable[[SessionMachine, Any], None]]] = {
    Activity: SessionMachine.on_activity,
    PageView: SessionMachine.on_view,
    ProductView: SessionMachine.on_view,
    Search: SessionMachine.on_view,
    CartAddition: SessionMachine.on_cart_change,
    CartRemoval: SessionMachine.on_cart_change,
    CartSnapshot: SessionMachine.on_cart_change,
    CheckoutStart: SessionMachine.on_checkout,
    Order: SessionMachine.on_order,
    OfferImpression: SessionMachine.on_feedback,
    OfferClick: SessionMachine.on_feedback,
    OfferDismissal: SessionMachine.on_feedback,
    OfferRedemption: SessionMachine.on_feedback,
}
