"""One visit written down in advance: every event that happens if nobody makes an offer."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from operators.simulation.products import Product
from operators.simulation.random_streams import Dice, running
from operators.simulation.response_model import Cart
from operators.simulation.segments import DEVICES, SOURCES, Segment

Event = dict[str, Any]

LONGEST_PAUSE_S: Final = 100.0
"""Who has not yet hesitated never pauses longer, so a cart idle for two minutes is one that hesitates."""
BOUNCES: Final = 0.4
"""The share of visits without a cart that end after one page."""
LOGS_IN: Final = 0.15
"""The share of anonymous buyers who log in when they pay."""


class Person(NamedTuple):
    """Who visits: the same number keeps its segment, its device and its user over all visits."""

    number: int
    visit: int
    segment: Segment
    visitor: str
    user: str | None
    device: str
    favourite: str


class Script(NamedTuple):
    """The events of one visit, in order; `cart` where its owner hesitates at the end, whatever comes then."""

    visit: str
    common: Event
    events: list[tuple[float, Event]]
    cart: Cart | None


def written(at_s: float) -> str:
    """The moment in RFC 3339, UTC, to the millisecond.

    >>> written(1767225600.25)
    '2026-01-01T00:00:00.250Z'
    """
    minute, ms = divmod(round(at_s * 1000), 60_000)
    return f"{_minute(minute)}{ms // 1000:02d}.{ms % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:")


class Writer:
    """Writes the visits of one world's people; holds the catalogue, and one visit while it is written."""

    def __init__(
        self,
        products: Mapping[str, tuple[Product, ...]],
        segments: Iterable[Segment],
        market: str,
        tag: str,
    ) -> None:
        self._products = products
        self._categories = tuple(products)
        self._sources = {segment.name: running(segment.sources) for segment in segments}
        self._market = market
        self._tag = tag
        self._dice = Dice(0)
        self._at_s = self._dwell_s = 0.0
        self._events: list[tuple[float, Event]] = []
        self._common: Event = {}
        self._visit = ""

    def script(self, dice: Dice, person: Person, start_s: float, cart_chance: float) -> Script:
        """Write the visit of `person` that begins at `start_s`."""
        segment = person.segment
        visit = f"{self._tag}-{person.number}-{person.visit}"
        source = dice.choose(SOURCES, self._sources[segment.name])
        self._dice, self._at_s, self._events, self._visit = dice, round(start_s, 3), [], visit
        self._common = {
            "visitor_id": person.visitor,
            "session_id": visit,
            "market": self._market,
            "device": person.device,
            "source": source,
        }
        if person.user is not None:
            self._common["user_id"] = person.user
        self._say("page_viewed", url="/" if source == "direct" else f"/from/{source}")
        fills = dice.random() < cart_chance
        if not fills and dice.random() < BOUNCES:
            return Script(visit, self._common, self._events, None)
        bag = self._browse(person, 1 + min(dice.count(segment.lines), 2) if fills else 0)
        cart = self._finish(person, bag) if fills else None
        return Script(visit, self._common, self._events, cart)

    def _say(self, kind: str, **fields: object) -> None:
        if self._events:
            pause_s = 2.0 + self._dice.expovariate(1.0 / self._dwell_s)
            self._at_s = round(self._at_s + min(pause_s, LONGEST_PAUSE_S), 3)
        self._events.append((self._at_s, self._event(kind, self._at_s, fields)))

    def _event(self, kind: str, at_s: float, fields: Mapping[str, object]) -> Event:
        event_id = f"{self._visit}-{len(self._events):03d}"
        return {"id": event_id, "type": kind, "time": written(at_s), **self._common, **fields}

    def _browse(self, person: Person, lines: int) -> dict[Product, int]:
        dice, segment = self._dice, person.segment
        self._dwell_s = segment.dwell_s
        scale = 1.0 if lines else 0.5
        views = max(1 + min(dice.count(segment.products * scale), 30), lines)
        plan = ["product_viewed"] * views
        plan += ["page_viewed"] * min(dice.count(segment.pages * scale), 20)
        plan += ["searched"] * min(dice.count(segment.searches * scale), 10)
        dice.shuffle(plan)
        wanted = set(dice.sample(range(views), lines)) if lines else ()
        bag: dict[Product, int] = {}
        seen = 0
        for kind in plan:
            category = person.favourite if dice.random() < segment.focus else dice.choice(self._categories)
            if kind == "page_viewed":
                self._say(kind, url=f"/{category}")
            elif kind == "searched":
                self._say(kind, query=category)
            else:
                among = self._products[category]
                product = among[int(len(among) * dice.random() ** segment.thrift)]
                self._say(kind, sku=product.sku, price=product.price, category=category)
                if seen in wanted:
                    self._say("cart_item_added", items=[product.item()], cart_id=f"c-{self._visit}")
                    bag[product] = bag.get(product, 0) + 1
                seen += 1
        return bag

    def _finish(self, person: Person, bag: dict[Product, int]) -> Cart | None:
        dice, segment = self._dice, person.segment
        cart_id = f"c-{self._visit}"
        if dice.random() < segment.churn and len(bag) > 1:
            product = dice.choice(list(bag))
            quantity = bag.pop(product)
            self._say(
                "cart_item_removed", items=[{"sku": product.sku, "quantity": quantity}], cart_id=cart_id
            )
        elif dice.random() < 0.1:
            product = dice.choice(list(bag))
            bag[product] += 1
            self._say("cart_updated", items=_items(bag), cart_id=cart_id)
        hesitates = dice.random() < segment.hesitates
        if not hesitates or dice.random() < segment.checkouts:
            if person.user is None and dice.random() < LOGS_IN:
                self._common["user_id"] = f"u-{self._tag}-{person.number}"
            self._say("checkout_started", items=_items(bag), cart_id=cart_id)
        items = _items(bag)
        if not hesitates:
            self._say("order_completed", order_id=f"o-{self._visit}", items=items, cart_id=cart_id)
            return None
        value = sum(product.price * quantity for product, quantity in bag.items())
        cost = sum(product.unit_cost * quantity for product, quantity in bag.items())
        return Cart(cart_id, person.visitor, segment, self._at_s, value, value - cost, tuple(items))


def person(dice: Dice, number: int, segment: Segment, tag: str, categories: tuple[str, ...]) -> Person:
    """Somebody new; every fourth is known to the shop from the first visit on."""
    user = f"u-{tag}-{number}" if dice.random() < 0.25 else None
    device = dice.choose(DEVICES, running(segment.devices))
    return Person(number, 0, segment, f"v-{tag}-{number}", user, device, dice.choice(categories))


def _items(bag: Mapping[Product, int]) -> list[dict[str, object]]:
    return [product.item(quantity) for product, quantity in bag.items()]
