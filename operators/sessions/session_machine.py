"""The session state machine of one shard: how events move visits, when visits end, what follows for carts."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec

from operators.sessions.abandoned_carts import AbandonedCart, AbandonedCarts
from operators.sessions.cart import Cart, CartChange, ChangeKind, MomentSample
from operators.sessions.cart_index import CartIndex, Names, VisitorKey, new_names
from operators.sessions.features import features, pack, unpack
from operators.sessions.known_orders import KnownOrders
from operators.sessions.returning_visitors import ReturningVisitors
from operators.sessions.visit import Visit, interned
from operators.sessions.visit_store import VisitStore, encode_visit
from operators.state.rows import StateRows
from operators.streaming.ids import name_of, share_of
from operators.streaming.messages import (
    Activity,
    AnyOrderRevision,
    AnyShopEvent,
    CartAddition,
    CartBought,
    CartOutcome,
    CartRemoval,
    CartSnapshot,
    CheckoutStart,
    ConsentKnown,
    CouponDenial,
    FeatureRow,
    MarketEvent,
    Moment,
    OfferClick,
    OfferDismissal,
    OfferFeedback,
    OfferImpression,
    OfferRedemption,
    Order,
    OrderCancellation,
    OrderRefund,
    OrderUpdate,
    PageView,
    ProductView,
    Search,
    ShopEvent,
    Trace,
    UserKnown,
    cart_names,
    place,
    user_names,
)
from operators.streaming.timers import Timers

_CHANGES: Final[dict[type[ShopEvent], ChangeKind]] = {
    CartAddition: "added",
    CartRemoval: "removed",
    CartSnapshot: "replaced",
    CheckoutStart: "replaced",
}


CartChangeEvent = CartAddition | CartRemoval | CartSnapshot | CheckoutStart


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a visit ends, when its cart counts as idle, how long a recovery is looked for; all in seconds."""

    timezones: Mapping[str, tzinfo]
    session_gap_s: float
    idle_s: float
    recovery_s: float
    lateness_s: float


class Emitted(NamedTuple):
    """What sessions have emitted: events for the markets and rows for the feature store."""

    events: list[MarketEvent]
    features: list[FeatureRow]


class SessionMachine:
    """The session state machine of every visitor of one shard.

    Bounded by the visits that are live (freed when they end), and as ``AbandonedCarts``,
    ``ReturningVisitors`` and ``KnownOrders`` are. ``carts`` counts the visits that have one. What follows is
    kept until ``drain`` returns it.
    """

    def __init__(self, settings: SessionSettings, rows: StateRows) -> None:
        self.visits = VisitStore(rows)
        self.timers: Timers[VisitorKey] = Timers()
        self.read_s: float | None = None
        self.carts = 0
        self._settings = settings
        self._quiet_s = min(settings.idle_s, settings.session_gap_s)
        self._changed: dict[VisitorKey, None] = {}
        self._abandoned = AbandonedCarts(rows)
        self._returning = ReturningVisitors(rows)
        self._orders = KnownOrders(rows)
        self._index = CartIndex()
        self._events: list[MarketEvent] = []
        self._features: list[FeatureRow] = []

    def restored(self) -> None:
        """Go on from the rows of a snapshot: timers and the index follow from the visits."""
        self._abandoned.restored()
        for key, visit in self.visits.read():
            self._changed[key] = None
            if visit.cart is not None:
                self.carts += 1
                self._index.add(key, visit.cart.names)
            self.timers.set(key, self._due_s(visit))

    def drain(self) -> Emitted:
        """Return what followed since the last time."""
        emitted = Emitted(self._events, self._features)
        self._events, self._features = [], []
        return emitted

    def passes_by(self, order: Order) -> bool:
        """Note an order that is at home elsewhere and buys nothing here; return whether it is one.

        Nearly all orders are that in nearly all shards.
        """
        if order.is_home:
            return False
        market, names = order.market, order.names
        if self._index.knows(market, names) or self._abandoned.knows(market, names):
            return False
        self._orders.pass_by(market, names, order.at_s)
        return True

    def process(self, event: AnyShopEvent) -> None:
        """Process one event, after the visitor's own due timers; KeyError for a kind without a handler."""
        events = self._events
        first = len(events)
        _HANDLERS[type(event)](self, event)
        context = event.context
        if context is not None and context.consent is not None:
            self._know_consent(event, context.consent)
        if len(events) > first + 1:  # in the order in which the market processes them in ordered mode
            events[first:] = sorted(events[first:], key=place)

    def fire(self, before_s: float) -> None:
        """Fire every timer that is due before a time, in order."""
        for set_s, key in self.timers.due(before_s):
            visit = self.visits.get(key)
            if visit is not None and self._due_s(visit) <= set_s:
                self._fire_next(key, visit)
                visit = self.visits.get(key)
            if visit is not None:
                self.timers.set(key, self._due_s(visit))

    def forget(self, time_s: float) -> None:
        """Drop the carts left behind or bought too long ago."""
        self._abandoned.forget(time_s - self._settings.recovery_s)
        self._orders.forget(time_s)

    def save_changed(self) -> None:
        """Emit a row for every visit that changed since the last time."""
        for key in self._changed:
            self._features.append(FeatureRow(*key, "visit", self.visits.row(key)))
        self.visits.rest(self._changed)
        self._changed.clear()

    # Handlers: one a kind of event, in the table at the end

    def on_feedback(self, event: OfferFeedback) -> None:
        """Pass feedback on to the market; it is no activity of the visit, but may say who the visitor is."""
        self._events.append(cast("MarketEvent", event))
        if event.user is not None:
            key = (event.market, event.visitor)
            visit = self._up_to(key, event.at_s)
            if visit is None or event.user != visit.announced:
                self._know_user(key, visit, event)

    def on_activity(self, event: Activity) -> None:
        """Keep a live visit alive, learn who the visitor is and what the cart is called; begin no visit."""
        key = (event.market, event.visitor)
        visit = self._up_to(key, event.at_s)
        if visit is None:
            self._know_user(key, None, event)
        else:
            self.observe(event)
        self._learn_names(key, visit, cart_names(event.cart, event.checkout))

    def on_cart_change(self, event: CartAddition | CartRemoval | CartSnapshot) -> None:
        """Change the cart."""
        key, visit = self.observe(event)
        self._change_cart(key, visit, event)

    def on_checkout(self, event: CheckoutStart) -> None:
        """Note that a visitor began to pay, with these lines in the cart where they are listed."""
        key, visit = self.observe(event)
        if event.lines is not None:
            self._change_cart(key, visit, event)
        else:
            self._learn_names(key, visit, cart_names(event.cart, event.checkout))
            if visit.cart is not None and event.cart_url is not None:
                visit.cart.url = event.cart_url
            if visit.cart_is_full:
                self._moment(visit, "checkout_begun", event.at_s, event.id, event.sent_s)

    def on_order(self, order: Order) -> None:
        """Close the carts that an order bought, in a visit or left behind, and pass the order on, once.

        They are its visitor's, those that it names, and its user's. An order that is told again buys nothing.
        """
        market = order.market
        if self._orders.holds(market, order.order):
            if order.is_home:
                self._events.append(order)
            return
        names = cart_names(order.cart, order.checkout)
        own = (market, order.visitor)
        buyers = self._buyers(order)
        bought = {key: cart for key in buyers if (cart := self._buy(key, order)) is not None}
        for key, cart in bought.items():
            if key != own:
                self._events.append(
                    CartBought(
                        at_s=order.at_s,
                        visitor=key[1],
                        id=order.id,
                        market=market,
                        order=order.order,
                        cart=cart,
                        trace=order.trace,
                    )
                )
        if order.is_home or bought:
            self._orders.add(market, order.order, order.at_s)
        if bought:
            self._orders.buy(market, names, order.at_s)
        else:
            self._orders.pass_by(market, names, order.at_s)
        if order.is_home:
            if bought:
                cart_id = bought.get(own, order.cart)
                order = msgspec.structs.replace(order, cart=cart_id, met_cart=True)
            if self.visits.get(own) is not None or self._returning.visits_before(*own):
                order = msgspec.structs.replace(order, met_visit=True)
            self._events.append(order)

    def on_revision(self, event: AnyOrderRevision) -> None:
        """Pass on what became of an order."""
        self._events.append(event)

    def _buyers(self, order: Order) -> list[VisitorKey]:
        """Return whose carts in this shard an order may have bought."""
        own = [(order.market, order.visitor)] if order.is_home and order.visitor else []
        names = order.names
        if not names:
            return own
        live, left = self._index.find(order.market, names), self._abandoned.find(order.market, names)
        return list(dict.fromkeys([*own, *live, *left]))

    def _buy(self, key: VisitorKey, order: Order) -> str | None:
        """Close the cart that a visitor has or left behind; return its id, None where there is none."""
        happened_s = order.own_s
        visit = self._up_to(key, order.at_s)
        bought: Cart | None = None
        if visit is not None:
            self._changed[key] = None
            if key[1] == order.visitor:
                visit.observe(order)
            else:
                visit.count_order(order)
            cart = visit.cart
            if cart is not None and cart.started_s <= happened_s:
                if cart.is_full:
                    bought = cart
                    self._outcome(visit, "purchased", order.at_s, order.trace)
                visit.cart = None
                self.carts -= 1
                self._index.remove(key, cart.names)
            self.timers.set(key, self._due_s(visit))
        if bought is not None:
            self._orders.buy(order.market, bought.names, order.at_s)
            return bought.id
        left = self._abandoned.recover(key, happened_s, self._settings.recovery_s)
        if left is None:
            return None
        self._orders.buy(order.market, left.names, order.at_s)
        recovered = _outcome((order.market, left.visitor), "recovered", left.cart, order.at_s, order.trace)
        self._events.append(recovered)
        return left.cart

    # Visits

    def _up_to(self, key: VisitorKey, at_s: float) -> Visit | None:
        """Fire the visitor's timers that are due before a time; return the visit that is live then."""
        visit = self.visits.get(key)
        if visit is not None and at_s > visit.last_s + self._quiet_s:
            return self._fired(key, visit, at_s)
        return visit

    def _fired(self, key: VisitorKey, visit: Visit | None, before_s: float) -> Visit | None:
        while visit is not None and self._due_s(visit) < before_s:
            self._fire_next(key, visit)
            visit = self.visits.get(key)
        return visit

    def observe(self, event: AnyShopEvent) -> tuple[VisitorKey, Visit]:
        """Count an event of a visitor in the visit that it belongs to or begins; return whose that is."""
        key = (event.market, event.visitor)
        visit = self.visits.get(key)
        if visit is not None and event.at_s > visit.last_s + self._quiet_s:
            visit = self._fired(key, visit, event.at_s)
        if visit is None:
            visit = Visit(interned(event.market), event.visitor, event.own_s, event.at_s)
            visit.visits_before = self._returning.visits_before(*key)
            self.visits.add(key, visit)
            self.timers.set(key, self._due_s(visit))
        self._changed[key] = None
        was_idle = visit.idle_emitted
        visit.observe(event)
        if event.user != visit.announced:
            self._know_user(key, visit, event)
        if was_idle:
            self.timers.set(key, self._due_s(visit))
        return key, visit

    def _know_user(self, key: VisitorKey, visit: Visit | None, event: ShopEvent) -> None:
        """Tell the market who the visitor is, and let the visitor's carts be found by that."""
        if event.user is None:
            return
        if visit is not None:
            visit.announced = event.user
            self._changed[key] = None
            if visit.cart is not None:
                self._name(key, visit.cart, user_names(event.user))
        self._abandoned.rename(key, user_names(event.user))
        self._returning.know(*key, event.user)
        self._events.append(
            UserKnown(
                at_s=event.at_s, visitor=event.visitor, id=event.id, market=event.market, user=event.user
            )
        )

    def _know_consent(self, event: ShopEvent, consent: dict[str, bool]) -> None:
        """Tell the market of a consent, unless it was told in this visit, or nobody knows whose it is."""
        if not (event.visitor or event.user) or (isinstance(event, Order) and not event.is_home):
            return
        key = (event.market, event.visitor)
        visit = self.visits.get(key)
        user = event.user
        if visit is not None:
            in_order = event.happened_s is None and event.at_s >= visit.last_s
            if not visit.announce_consent(consent, in_order=in_order):
                return
            self._changed[key] = None
            user = visit.user if user is None else user
        self._events.append(
            ConsentKnown(
                at_s=event.at_s,
                visitor=event.visitor,
                id=event.id,
                market=event.market,
                consent=consent,
                source="event",
                user=user,
                happened_s=event.happened_s,
            )
        )

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
        if visit.cart is not None:
            self.carts -= 1
            self._index.remove(key, visit.cart.names)
        if visit.cart is not None and visit.cart.is_full:
            self._moment(visit, "session_ended", at_s, "", None)
            self._outcome(visit, "abandoned", at_s, visit.trace)
            self._abandoned.add(
                AbandonedCart(visit.market, visit.visitor, visit.cart.id, at_s, visit.cart.names)
            )
        self._features.append(FeatureRow(*key, "visit", encode_visit(visit)))
        self._changed.pop(key, None)
        self.timers.drop(key)
        self.visits.remove(key)
        self._returning.add(*key, visit.visits_before + 1)

    # Carts

    def _change_cart(self, key: VisitorKey, visit: Visit, event: CartChangeEvent) -> None:
        names = cart_names(event.cart, event.checkout)
        if visit.ordered_s is not None and event.own_s <= visit.ordered_s:
            return
        if names and self._orders.is_bought(event.market, names, event.at_s):
            return
        cart_id = event.cart or name_of("cart", event.market, event.visitor, event.id)
        change = CartChange(
            event.own_s, event.rank, event.id, _CHANGES[type(event)], event.lines or (), partial=event.partial
        )
        begins = visit.cart is None
        cart = visit.change_cart(cart_id, change, event.at_s - self._settings.lateness_s)
        if begins:
            self.carts += 1
            names += user_names(visit.user or self._returning.user_of(*key))
        self._name(key, cart, names)
        if event.cart_url is not None:
            cart.url = event.cart_url
        if cart.is_full:
            self.timers.set(key, self._due_s(visit))
            kind = "checkout_begun" if isinstance(event, CheckoutStart) else "cart_changed"
            self._moment(visit, kind, event.at_s, event.id, event.sent_s)

    def _learn_names(self, key: VisitorKey, visit: Visit | None, names: Names) -> None:
        """Let the cart in progress, else the one that was left behind, be found by these names."""
        if visit is not None and visit.cart is not None:
            self._name(key, visit.cart, names)
        else:
            self._abandoned.rename(key, names)

    def _name(self, key: VisitorKey, cart: Cart, names: Names) -> None:
        """Let a cart be found by these names."""
        if names and (added := new_names(cart.names, names)):
            cart.names += added
            self._index.add(key, added)

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
            lines_left_out=cart.content.lines_left_out,
            partial=cart.content.partial,
            features=seen,
            user=visit.user,
            session=visit.session,
            read_s=self.read_s,
            sent_s=sent_s,
            visits_before=visit.visits_before,
            timezone=visit.timezone,
            locale=visit.locale,
            cart_url=cart.url,
            trace=visit.trace,
        )
        self._events.append(moment)

    def _outcome(
        self, visit: Visit, kind: Literal["purchased", "abandoned"], at_s: float, trace: Trace | None
    ) -> None:
        cart = visit.cart
        if cart is None:
            return
        outcome = _outcome((visit.market, visit.visitor), kind, cart.id, at_s, trace)
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


def _outcome(key: VisitorKey, kind: str, cart: str, at_s: float, trace: Trace | None) -> CartOutcome:
    market, visitor = key
    name = name_of("outcome", market, visitor, kind, cart, repr(at_s))
    return CartOutcome(at_s=at_s, visitor=visitor, id=name, market=market, kind=kind, cart=cart, trace=trace)


_HANDLERS: Final[dict[type[Any], Callable[[SessionMachine, Any], object]]] = {
    Activity: SessionMachine.on_activity,
    PageView: SessionMachine.observe,
    ProductView: SessionMachine.observe,
    Search: SessionMachine.observe,
    CartAddition: SessionMachine.on_cart_change,
    CartRemoval: SessionMachine.on_cart_change,
    CartSnapshot: SessionMachine.on_cart_change,
    CheckoutStart: SessionMachine.on_checkout,
    CouponDenial: SessionMachine.observe,
    Order: SessionMachine.on_order,
    OrderUpdate: SessionMachine.on_revision,
    OrderRefund: SessionMachine.on_revision,
    OrderCancellation: SessionMachine.on_revision,
    OfferImpression: SessionMachine.on_feedback,
    OfferClick: SessionMachine.on_feedback,
    OfferDismissal: SessionMachine.on_feedback,
    OfferRedemption: SessionMachine.on_feedback,
}
