"""One visit of one visitor: what has been seen of it so far, small enough to be saved every few seconds."""

from functools import lru_cache
from typing import Final
from zlib import crc32

import msgspec

from operators.sessions.cart import Cart, Op
from operators.streaming.messages import Fact

PRODUCTS: Final = 64
"""Distinct products a visit remembers; later ones count as views only."""
CATEGORIES: Final = 16
"""Categories a visit counts; later ones are not counted."""
_PRODUCT_BYTES: Final = 4


@lru_cache(maxsize=4096)
def same(text: str) -> str:
    """Return the one copy of a text that many visits hold."""
    return text


class Visit(msgspec.Struct, array_like=True, gc=False):
    """The session of a visitor. Bounded by ``PRODUCTS``, ``CATEGORIES`` and the bounds of its cart.

    ``products`` are hashes of four bytes, one after the other.
    """

    market: str
    visitor: str
    started_s: float
    last_s: float
    visits_before: int = 0
    user: str | None = None
    session: str | None = None
    device: str | None = None
    source: str | None = None
    events: int = 0
    page_views: int = 0
    product_views: int = 0
    searches: int = 0
    cart_adds: int = 0
    cart_removes: int = 0
    viewed_value: float = 0.0
    viewed_priced: int = 0
    products: bytes = b""
    categories: dict[str, int] = {}
    first_cart_s: float | None = None
    checkout_s: float | None = None
    ordered_s: float | None = None
    idle_said: bool = False
    cart: Cart | None = None

    def share(self) -> None:
        """Hold the copies that other visits hold too, after it was read back."""
        self.market = same(self.market)
        self.device = None if self.device is None else same(self.device)
        self.source = None if self.source is None else same(self.source)
        self.categories = {same(name): count for name, count in self.categories.items()}

    def saw(self, fact: Fact) -> None:
        """Count one fact of this visit, in whatever order facts arrive."""
        self.events += 1
        at_s = fact.at_s
        if at_s >= self.last_s:
            self.last_s = at_s
            self.idle_said = False
        elif at_s < self.started_s:
            self.started_s = at_s
        if fact.user is not None:
            self.user = fact.user
        if fact.session is not None:
            self.session = fact.session
        if fact.device is not None and fact.device != self.device:
            self.device = same(fact.device)
        if self.source is None and fact.source is not None:
            self.source = same(fact.source)
        self._count(fact)

    def _count(self, fact: Fact) -> None:
        match fact.type:
            case "product_viewed":
                self.product_views += 1
                self._viewed(fact)
            case "page_viewed":
                self.page_views += 1
            case "searched":
                self.searches += 1
            case "cart_item_added":
                self.cart_adds += 1
            case "cart_item_removed":
                self.cart_removes += 1
            case "checkout_started":
                self.checkout_s = fact.at_s
            case "order_completed":
                happened_s = fact.own_s
                self.ordered_s = happened_s if self.ordered_s is None else max(self.ordered_s, happened_s)

    def _viewed(self, fact: Fact) -> None:
        if fact.price is not None:
            self.viewed_value += fact.price
            self.viewed_priced += 1
        if fact.sku is not None and self.distinct_products < PRODUCTS:
            product = crc32(fact.sku.encode()).to_bytes(_PRODUCT_BYTES)
            if not _holds(self.products, product):
                self.products += product
        if fact.category is not None:
            count = self.categories.get(fact.category)
            if count is not None or len(self.categories) < CATEGORIES:
                self.categories[same(fact.category)] = (count or 0) + 1

    def change_cart(self, cart_id: str, op: Op, lateness_s: float) -> Cart:
        """Apply a change to the cart, which begins with its first change."""
        cart = self.cart
        if cart is None:
            cart = self.cart = Cart(cart_id, op.at_s, op.at_s)
        if self.first_cart_s is None or op.at_s < self.first_cart_s:
            self.first_cart_s = op.at_s
        cart.change(op, op.at_s - lateness_s)
        return cart

    @property
    def distinct_products(self) -> int:
        """How many different products were looked at, as far as they are remembered."""
        return len(self.products) // _PRODUCT_BYTES

    @property
    def cart_is_full(self) -> bool:
        """Whether there is anything in the cart."""
        return self.cart is not None and bool(self.cart.lines)


def _holds(products: bytes, product: bytes) -> bool:
    at = products.find(product)
    while at > 0 and at % _PRODUCT_BYTES:
        at = products.find(product, at + 1)
    return at >= 0
