"""One visit written in advance: every event that happens if the shop makes no offer."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from operators.simulation.native_event import Event, native_event
from operators.simulation.products import Product
from operators.simulation.random_streams import RandomStream, cumulative_shares
from operators.simulation.response_model import HesitatingCart
from operators.simulation.segments import SOURCES, Segment
from operators.simulation.shopper import Shopper

LONGEST_PAUSE_S: Final = 100.0
"""No pause before hesitating is longer, so the owner of a cart that is idle for two minutes hesitates."""
BOUNCES: Final = 0.4
"""The share of visits without a cart that end after one page."""
LOGS_IN: Final = 0.15
"""The share of anonymous buyers who log in when they pay."""


class VisitScript(NamedTuple):
    """The events of one visit, in order, with the fields they have in common.

    ``cart`` is there where its owner hesitates at the end, whatever comes after that.
    """

    visit: str
    common: Event
    events: list[tuple[float, Event]]
    cart: HesitatingCart | None


class ScriptWriter:
    """Writes the visits of one world; it holds the products, and one visit while it is written.

    Parameters
    ----------
    products
        Products by category.
    segments
        All segments of the world.
    market
        The market of all events.
    tag
        A prefix of ids that no other world has.
    """

    def __init__(
        self,
        products: Mapping[str, tuple[Product, ...]],
        segments: Iterable[Segment],
        market: str,
        tag: str,
    ) -> None:
        self._products = products
        self._categories = tuple(products)
        self._sources = {segment.name: cumulative_shares(segment.sources) for segment in segments}
        self._market = market
        self._tag = tag
        self._rng = RandomStream(0)
        self._at_s = self._dwell_s = 0.0
        self._events: list[tuple[float, Event]] = []
        self._common: Event = {}
        self._visit = ""

    def write(self, rng: RandomStream, shopper: Shopper, start_s: float, cart_chance: float) -> VisitScript:
        """Return the script of the shopper's visit that begins at ``start_s``, seconds since 1970."""
        segment = shopper.segment
        visit = f"{self._tag}-{shopper.number}-{shopper.visit}"
        source = rng.weighted_choice(SOURCES, self._sources[segment.name])
        self._rng, self._at_s, self._events, self._visit = rng, round(start_s, 3), [], visit
        self._common = {
            "visitor_id": shopper.visitor,
            "session_id": visit,
            "market": self._market,
            "device": shopper.device,
            "source": source,
        }
        if shopper.user is not None:
            self._common["user_id"] = shopper.user
        self._append(
            "page_viewed",
            url="/" if source == "direct" else f"/from/{source}",
            consent={"email": shopper.consents, "app": shopper.consents},
        )
        fills = rng.random() < cart_chance
        if not fills and rng.random() < BOUNCES:
            return VisitScript(visit, self._common, self._events, None)
        bag = self._browse(shopper, 1 + min(rng.geometric(segment.lines), 2) if fills else 0)
        cart = self._finish(shopper, bag) if fills else None
        return VisitScript(visit, self._common, self._events, cart)

    def _append(self, kind: str, **fields: object) -> None:
        if self._events:
            pause_s = 2.0 + self._rng.expovariate(1.0 / self._dwell_s)
            self._at_s = round(self._at_s + min(pause_s, LONGEST_PAUSE_S), 3)
        event_id = f"{self._visit}-{len(self._events):03d}"
        self._events.append((self._at_s, native_event(event_id, kind, self._at_s, self._common, fields)))

    def _browse(self, shopper: Shopper, lines: int) -> dict[Product, int]:
        rng, segment = self._rng, shopper.segment
        self._dwell_s = segment.dwell_s
        scale = 1.0 if lines else 0.5
        views = max(1 + min(rng.geometric(segment.products * scale), 30), lines)
        plan = ["product_viewed"] * views
        plan += ["page_viewed"] * min(rng.geometric(segment.pages * scale), 20)
        plan += ["searched"] * min(rng.geometric(segment.searches * scale), 10)
        rng.shuffle(plan)
        wanted = set(rng.sample(range(views), lines)) if lines else ()
        bag: dict[Product, int] = {}
        viewed = 0
        for kind in plan:
            category = shopper.favourite if rng.random() < segment.focus else rng.choice(self._categories)
            if kind == "page_viewed":
                self._append(kind, url=f"/{category}")
            elif kind == "searched":
                self._append(kind, query=category)
            else:
                among = self._products[category]
                product = among[int(len(among) * rng.random() ** segment.thrift)]
                self._append(kind, sku=product.sku, price=product.price, category=category)
                if viewed in wanted:
                    self._append("cart_item_added", items=[product.item()], cart_id=f"c-{self._visit}")
                    bag[product] = bag.get(product, 0) + 1
                viewed += 1
        return bag

    def _finish(self, shopper: Shopper, bag: dict[Product, int]) -> HesitatingCart | None:
        rng, segment = self._rng, shopper.segment
        cart_id = f"c-{self._visit}"
        if rng.random() < segment.churn and len(bag) > 1:
            product = rng.choice(list(bag))
            quantity = bag.pop(product)
            self._append(
                "cart_item_removed", items=[{"sku": product.sku, "quantity": quantity}], cart_id=cart_id
            )
        elif rng.random() < 0.1:
            product = rng.choice(list(bag))
            bag[product] += 1
            self._append("cart_updated", items=_items(bag), cart_id=cart_id)
        hesitates = rng.random() < segment.hesitates
        if not hesitates or rng.random() < segment.checkouts:
            if shopper.user is None and rng.random() < LOGS_IN:
                self._common["user_id"] = f"u-{self._tag}-{shopper.number}"
            self._append("checkout_started", items=_items(bag), cart_id=cart_id)
        items = _items(bag)
        if not hesitates:
            self._append("order_completed", order_id=f"o-{self._visit}", items=items, cart_id=cart_id)
            return None
        value = sum(product.price * quantity for product, quantity in bag.items())
        cost = sum(product.unit_cost * quantity for product, quantity in bag.items())
        return HesitatingCart(
            cart_id, shopper.visitor, segment, self._at_s, value, value - cost, tuple(items)
        )


def _items(bag: Mapping[Product, int]) -> list[dict[str, object]]:
    return [product.item(quantity) for product, quantity in bag.items()]
