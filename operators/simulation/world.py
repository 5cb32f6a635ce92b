"""A shop full of simulated shoppers, moved along in event time; what an offer does to them is known."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Final
from zlib import crc32

from operators.simulation.products import catalogue
from operators.simulation.random_streams import Dice, running
from operators.simulation.response import (
    LEAST_DELAY_S,
    Luck,
    Offered,
    Planned,
    by_itself,
    luck,
    timing,
    to_offer,
)
from operators.simulation.response_model import Cart, true_values
from operators.simulation.scripts import Event, Person, Script, Writer, person
from operators.simulation.segments import SEGMENTS, Segment
from schemas.shop import Offer

SHOP_CARTS: Final = 0.07
"""The share of visits with a cart as shops know it: about 2 % of all visits end with an order."""
DEMO_CARTS: Final = 0.45
"""A denser world, where about 14 % of the visits end with an order and most visits lead to a decision."""
RETURNS: Final = 0.3
RETURN_DAYS: Final = 3.0
KEPT_S: Final = 6 * 3600.0
DAY_S: Final = 86_400.0
PAYING: Final = ("order_completed", "offer_redeemed")
(ARRIVALS, PEOPLE, VISITS, FATES, PRODUCTS) = range(5)


@dataclass(frozen=True)
class WorldSettings:
    """What a world is made of: the offers of its shop, when it starts, how busy it is.

    ``checkout_broken_s`` is an incident, from one time to another: who pays meanwhile begins to, and no order
    follows.
    """

    offers: tuple[Offer, ...]
    starts_at_s: float
    market: str = "default"
    ends_at_s: float = math.inf
    """Nobody comes any more after it; who is there goes on to the end."""
    visits_per_hour: float = 600.0
    cart_share: float = SHOP_CARTS
    seasons: bool = True
    products: int = 240
    segments: tuple[Segment, ...] = SEGMENTS
    checkout_broken_s: tuple[float, float] | None = None


class Waiting:
    """A cart whose owner hesitates. Freed when nothing can follow from it any more."""

    __slots__ = ("bought", "cart", "luck", "offer_id", "plan", "script")

    def __init__(self, script: Script, cart: Cart, draw: Luck) -> None:
        self.script = script
        self.cart = cart
        self.luck = draw
        self.plan = 0
        self.offer_id: str | None = None
        self.bought = False


class World:
    """The shoppers of one market as a machine in event time.

    The same seed and settings say the same events however `until` is called; what one shopper does never
    depends on another, nor on an offer made to another. Bounded by the visits of ``KEPT_S`` (or of the
    longest offer) and by those who will return.
    """

    def __init__(self, seed: int, settings: WorldSettings) -> None:
        self.settings = settings
        self.now_s = settings.starts_at_s
        self.ignored = 0
        self._seed = seed
        self._tag = f"{crc32(f'{seed}/{settings.starts_at_s}/{settings.market}'.encode()):08x}"
        self._offers = {offer.name: offer for offer in settings.offers}
        self._timing = timing(settings.offers)
        longest_s = [self._timing.delay_at_most_s(offer) for offer in settings.offers]
        self._kept_s = max([KEPT_S, *longest_s]) + self._timing.return_at_most_s
        windows_s = [offer.reward_window.total_seconds() for offer in settings.offers]
        self._returns_after_s = max([self._kept_s, *windows_s]) + 3600.0
        self._dice = Dice(0)
        products = catalogue(self._dice.restart(seed, PRODUCTS), settings.products)
        self._categories = tuple(products)
        self._writer = Writer(products, settings.segments, settings.market, self._tag)
        self._segment_sums = running([segment.share for segment in settings.segments])
        self._cart_chances = _cart_chances(settings)
        self._arrivals = self._arrive()
        self._next_arrival_s = next(self._arrivals)
        self._people = 0
        self._due: list[tuple[float, str, int, Waiting | Person | None, Event | None]] = []
        self._waiting: dict[str, Waiting] = {}
        self._offered: dict[str, Waiting] = {}

    @property
    def people(self) -> int:
        """How many have come so far, each counted once."""
        return self._people

    @property
    def next_s(self) -> float:
        """When something happens next; infinity if nothing ever will."""
        return min(self._next_arrival_s, self._due[0][0] if self._due else math.inf)

    def until(self, at_s: float) -> list[Event]:
        """The events that happen until `at_s`, in order of time; they are native events, ready for JSON."""
        while self._next_arrival_s <= at_s:
            self._somebody_new()
        said = []
        due = self._due
        while due and due[0][0] <= at_s:
            due_s, _, plan, whose, event = heappop(due)
            if event is None:
                self._something_else(whose, due_s)
            elif event["type"] in PAYING and self._cannot_pay(due_s):
                continue
            elif whose is None:
                said.append(event)
            elif isinstance(whose, Waiting) and whose.plan == plan:
                whose.bought = whose.bought or event["type"] == "order_completed"
                said.append(event)
        self.now_s = max(self.now_s, at_s)
        return said

    def _cannot_pay(self, at_s: float) -> bool:
        broken_s = self.settings.checkout_broken_s
        return broken_s is not None and broken_s[0] <= at_s < broken_s[1]

    def offered(self, offer: dict[str, Any]) -> bool:
        """Hand over the data of an ``offer.decided``; False where it can reach nobody who still hesitates."""
        waiting = self._waiting.get(offer["visitor_id"])
        made = self._offers.get(offer["treatment"]["name"])
        if waiting is None or made is None or waiting.bought or waiting.offer_id is not None:
            self.ignored += 1
            return False
        waiting.offer_id = offer["offer_id"]
        self._offered[waiting.offer_id] = waiting
        at_s = max(self.now_s, waiting.cart.at_s)
        plan = to_offer(
            waiting.script, waiting.cart, waiting.luck, Offered(made, waiting.offer_id, at_s), self._timing
        )
        self._replan(waiting, plan)
        return True

    def revoked(self, offer_id: str) -> None:
        """Take back an offer; who has not bought goes on as if it had not been made."""
        waiting = self._offered.pop(offer_id, None)
        if waiting is None or waiting.bought:
            return
        waiting.offer_id = None
        plan = by_itself(waiting.script, waiting.cart, waiting.luck)
        late_s = max(self.now_s + LEAST_DELAY_S - plan[0][0], 0.0) if plan else 0.0
        draw = waiting.luck._replace(returns_s=waiting.luck.returns_s + late_s)
        self._replan(waiting, by_itself(waiting.script, waiting.cart, draw))

    def cart(self, visitor_id: str) -> Cart | None:
        """The cart over which that visitor hesitates, or has lately."""
        waiting = self._waiting.get(visitor_id)
        return None if waiting is None else waiting.cart

    def carts(self) -> list[Cart]:
        """All carts that `cart` would give, in the order of their visits."""
        return [waiting.cart for waiting in self._waiting.values()]

    def true_values(self, cart: Cart) -> dict[str, float]:
        """The expected profit of each arm for this cart, decided before its owner comes back by himself."""
        return true_values(cart, self.settings.offers)

    def _arrive(self) -> Iterator[float]:
        dice = Dice(0).restart(self._seed, ARRIVALS)
        new_per_s = self.settings.visits_per_hour * (1 - RETURNS) / 3600
        if new_per_s <= 0:
            yield math.inf
        busiest = 2.0 if self.settings.seasons else 1.0
        at_s = self.settings.starts_at_s
        while True:
            at_s += dice.expovariate(new_per_s * busiest)
            if at_s > self.settings.ends_at_s:
                yield math.inf
            if not self.settings.seasons or dice.random() * busiest < season(at_s):
                yield at_s

    def _somebody_new(self) -> None:
        self._people += 1
        dice = self._dice.restart(self._seed, PEOPLE, self._people)
        segment = dice.choose(self.settings.segments, self._segment_sums)
        somebody = person(dice, self._people, segment, self._tag, self._categories)
        self._visit(somebody, self._next_arrival_s)
        self._next_arrival_s = next(self._arrivals)

    def _visit(self, somebody: Person, at_s: float) -> None:
        dice = self._dice.restart(self._seed, VISITS, somebody.number, somebody.visit)
        chance = self._cart_chances[somebody.segment.name]
        script = self._writer.script(dice, somebody, at_s, chance)
        for event_s, event in script.events:
            heappush(self._due, (event_s, event["id"], 0, None, event))
        if dice.random() < RETURNS:
            back_s = (
                script.events[-1][0] + self._returns_after_s + dice.expovariate(1 / (RETURN_DAYS * DAY_S))
            )
            again = somebody._replace(visit=somebody.visit + 1, user=script.common.get("user_id"))
            if again.user is not None and dice.random() < 0.1:
                again = again._replace(visitor=f"v-{self._tag}-{somebody.number}-{again.visit}")
            if back_s <= self.settings.ends_at_s:
                heappush(self._due, (back_s, f"{script.visit}-again", 0, again, None))
        if script.cart is not None:
            draw = luck(self._dice.restart(self._seed, FATES, somebody.number, somebody.visit), self._timing)
            waiting = Waiting(script, script.cart, draw)
            self._waiting[somebody.visitor] = waiting
            self._replan(waiting, by_itself(script, script.cart, draw))
            heappush(self._due, (script.cart.at_s + self._kept_s, f"{script.visit}-gone", 0, waiting, None))

    def _replan(self, waiting: Waiting, planned: Planned) -> None:
        waiting.plan += 1
        for at_s, event in planned:
            heappush(self._due, (at_s, event["id"], waiting.plan, waiting, event))

    def _something_else(self, whose: Waiting | Person | None, at_s: float) -> None:
        if isinstance(whose, Person):
            self._visit(whose, at_s)
        elif isinstance(whose, Waiting):
            del self._waiting[whose.cart.visitor]
            if whose.offer_id is not None:
                self._offered.pop(whose.offer_id, None)


def season(at_s: float) -> float:
    """How busy the shop is at that time (UTC), 1 on average: quiet at night, busy on Sundays."""
    hour = at_s / 3600 % 24
    weekday = int(at_s // DAY_S + 3) % 7
    of_day = 1 + 0.6 * math.cos(2 * math.pi * (hour - 19) / 24)
    return of_day * (0.9, 0.95, 0.95, 1.0, 0.95, 1.05, 1.2)[weekday]


def _cart_chances(settings: WorldSettings) -> dict[str, float]:
    mean = sum(segment.share * segment.carts for segment in settings.segments)
    total = sum(segment.share for segment in settings.segments)
    return {
        segment.name: min(settings.cart_share * segment.carts * total / mean, 1.0)
        for segment in settings.segments
    }
