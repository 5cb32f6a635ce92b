"""A shop full of simulated shoppers, advanced in event time; the effect of every offer is known."""

import math
from heapq import heappop, heappush
from typing import Any, Final
from zlib import crc32

from operators.simulation.arrivals import DAY_S, RETURN_DAYS, RETURN_SHARE, cart_chances, first_visits
from operators.simulation.native_event import Event
from operators.simulation.products import product_catalog
from operators.simulation.random_streams import RandomStream, cumulative_shares
from operators.simulation.response_events import (
    CartDraws,
    DeliveredOffer,
    PlannedEvents,
    after_offer,
    without_offer,
)
from operators.simulation.response_model import HesitatingCart, true_values
from operators.simulation.response_timing import LEAST_DELAY_S, ResponseTiming
from operators.simulation.shopper import Shopper, new_shopper
from operators.simulation.visit_script import ScriptWriter, VisitScript
from operators.simulation.world_settings import WorldSettings

KEPT_S: Final = 6 * 3600.0
"""A cart is kept so long after its owner began to hesitate, or as long as the slowest offer takes."""
PAYING: Final = ("order_completed", "offer_redeemed")
(ARRIVALS, PEOPLE, VISITS, FATES, PRODUCTS) = range(5)
"""The random streams of a world."""


class PendingCart:
    """A cart whose owner hesitates, and the number of its current plan; freed when nothing can follow."""

    __slots__ = ("bought", "cart", "draws", "offer_id", "plan", "script")

    def __init__(self, script: VisitScript, cart: HesitatingCart, draws: CartDraws) -> None:
        self.script = script
        self.cart = cart
        self.draws = draws
        self.plan = 0
        self.offer_id: str | None = None
        self.bought = False


class World:
    """The shoppers of one market as a machine in event time.

    The same seed and settings give the same events, in whatever steps time is advanced; what one shopper does
    never depends on another, nor on an offer made to another. Bounded by the visits within ``KEPT_S`` (or the
    time of the slowest offer) and by the shoppers who will return.

    Attributes
    ----------
    now_s
        The time up to which events were returned, seconds since 1970.
    ignored
        Offers that could not reach a shopper who still hesitates.
    """

    def __init__(self, seed: int, settings: WorldSettings) -> None:
        self.settings = settings
        self.now_s = settings.starts_at_s
        self.ignored = 0
        self._seed = seed
        self._tag = f"{crc32(f'{seed}/{settings.starts_at_s}/{settings.market}'.encode()):08x}"
        self._offers = {offer.name: offer for offer in settings.offers}
        self._timing = ResponseTiming.of(settings.offers)
        longest_s = [self._timing.delay_at_most_s(offer) for offer in settings.offers]
        self._kept_s = max([KEPT_S, *longest_s]) + self._timing.return_at_most_s
        windows_s = [offer.reward_window.total_seconds() for offer in settings.offers]
        self._returns_after_s = max([self._kept_s, *windows_s]) + 3600.0
        self._rng = RandomStream(0)
        products = product_catalog(self._rng.restart(seed, PRODUCTS), settings.products)
        self._categories = tuple(products)
        self._writer = ScriptWriter(products, settings.segments, settings.market, self._tag)
        self._segment_shares = cumulative_shares([segment.share for segment in settings.segments])
        self._cart_chances = cart_chances(settings)
        self._first_visits = first_visits(RandomStream(0).restart(seed, ARRIVALS), settings)
        self._next_arrival_s = next(self._first_visits)
        self._people = 0
        self._due: list[tuple[float, str, int, PendingCart | Shopper | None, Event | None]] = []
        self._pending: dict[str, PendingCart] = {}
        self._by_offer: dict[str, PendingCart] = {}

    @property
    def people(self) -> int:
        """The number of people who have come so far, each counted once."""
        return self._people

    @property
    def next_s(self) -> float:
        """When something happens next; infinity if nothing ever will."""
        return min(self._next_arrival_s, self._due[0][0] if self._due else math.inf)

    def events_until(self, at_s: float) -> list[Event]:
        """Advance to a time, seconds since 1970; return the native events until then, in order of time."""
        while self._next_arrival_s <= at_s:
            self._arrive()
        events = []
        due = self._due
        while due and due[0][0] <= at_s:
            due_s, _, plan, subject, event = heappop(due)
            if event is None:
                self._return_or_free(subject, due_s)
            elif event["type"] in PAYING and self._cannot_pay(due_s):
                continue
            elif subject is None:
                events.append(event)
            elif isinstance(subject, PendingCart) and subject.plan == plan:
                subject.bought = subject.bought or event["type"] == "order_completed"
                events.append(event)
        self.now_s = max(self.now_s, at_s)
        return events

    def _cannot_pay(self, at_s: float) -> bool:
        broken_s = self.settings.checkout_broken_s
        return broken_s is not None and broken_s[0] <= at_s < broken_s[1]

    def deliver_offer(self, offer: dict[str, Any]) -> bool:
        """Deliver the data of an ``offer.decided``; return whether it reaches a hesitating shopper."""
        pending = self._pending.get(offer["visitor_id"])
        made = self._offers.get(offer["treatment"]["name"])
        if pending is None or made is None or pending.bought or pending.offer_id is not None:
            self.ignored += 1
            return False
        pending.offer_id = offer["offer_id"]
        self._by_offer[pending.offer_id] = pending
        delivered = DeliveredOffer(made, pending.offer_id, max(self.now_s, pending.cart.at_s))
        planned = after_offer(pending.script, pending.cart, pending.draws, delivered, self._timing)
        self._replan(pending, planned)
        return True

    def revoke_offer(self, offer_id: str) -> None:
        """Take back an offer; a shopper who has not bought goes on as if it had not been made."""
        pending = self._by_offer.pop(offer_id, None)
        if pending is None or pending.bought:
            return
        pending.offer_id = None
        planned = without_offer(pending.script, pending.cart, pending.draws)
        late_s = max(self.now_s + LEAST_DELAY_S - planned[0][0], 0.0) if planned else 0.0
        draws = pending.draws._replace(returns_s=pending.draws.returns_s + late_s)
        self._replan(pending, without_offer(pending.script, pending.cart, draws))

    def cart(self, visitor_id: str) -> HesitatingCart | None:
        """Return the cart over which a visitor hesitates, or has lately."""
        pending = self._pending.get(visitor_id)
        return None if pending is None else pending.cart

    def carts(self) -> list[HesitatingCart]:
        """Return all carts that ``cart`` would return, in the order of their visits."""
        return [pending.cart for pending in self._pending.values()]

    def true_values(self, cart: HesitatingCart) -> dict[str, float]:
        """Return the expected profit of each arm for this cart, if decided before its owner returns."""
        return true_values(cart, self.settings.offers)

    def _arrive(self) -> None:
        self._people += 1
        rng = self._rng.restart(self._seed, PEOPLE, self._people)
        segment = rng.weighted_choice(self.settings.segments, self._segment_shares)
        shopper = new_shopper(rng, self._people, segment, self._tag, self._categories)
        shopper = shopper._replace(consents=rng.random() < self.settings.consent_share)
        self._visit(shopper, self._next_arrival_s)
        self._next_arrival_s = next(self._first_visits)

    def _visit(self, shopper: Shopper, at_s: float) -> None:
        rng = self._rng.restart(self._seed, VISITS, shopper.number, shopper.visit)
        script = self._writer.write(rng, shopper, at_s, self._cart_chances[shopper.segment.name])
        for event_s, event in script.events:
            heappush(self._due, (event_s, event["id"], 0, None, event))
        if rng.random() < RETURN_SHARE:
            self._plan_return(rng, shopper, script)
        if script.cart is not None:
            fate = self._rng.restart(self._seed, FATES, shopper.number, shopper.visit)
            pending = PendingCart(script, script.cart, CartDraws.of(fate, self._timing))
            self._pending[shopper.visitor] = pending
            self._replan(pending, without_offer(script, script.cart, pending.draws))
            heappush(self._due, (script.cart.at_s + self._kept_s, f"{script.visit}-gone", 0, pending, None))

    def _plan_return(self, rng: RandomStream, shopper: Shopper, script: VisitScript) -> None:
        back_s = script.events[-1][0] + self._returns_after_s + rng.expovariate(1 / (RETURN_DAYS * DAY_S))
        again = shopper._replace(visit=shopper.visit + 1, user=script.common.get("user_id"))
        if again.user is not None and rng.random() < 0.1:
            again = again._replace(visitor=f"v-{self._tag}-{shopper.number}-{again.visit}")
        if back_s <= self.settings.ends_at_s:
            heappush(self._due, (back_s, f"{script.visit}-again", 0, again, None))

    def _replan(self, pending: PendingCart, planned: PlannedEvents) -> None:
        pending.plan += 1
        for at_s, event in planned:
            heappush(self._due, (at_s, event["id"], pending.plan, pending, event))

    def _return_or_free(self, subject: PendingCart | Shopper | None, at_s: float) -> None:
        if isinstance(subject, Shopper):
            self._visit(subject, at_s)
        elif isinstance(subject, PendingCart):
            del self._pending[subject.cart.visitor]
            if subject.offer_id is not None:
                self._by_offer.pop(subject.offer_id, None)
