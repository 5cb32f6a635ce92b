"""One visit of one visitor: what has happened in it so far, small enough to be saved every few seconds."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

import msgspec

from operators.sessions.cart import Cart, CartChange
from operators.streaming.messages import (
    Activity,
    AnyShopEvent,
    CartAddition,
    CartRemoval,
    CartSnapshot,
    CheckoutStart,
    CouponDenial,
    EventContext,
    Order,
    PageView,
    ProductView,
    Search,
    Trace,
)

PRODUCTS: Final = 64
"""Distinct products a visit remembers; later ones count as views only."""
CATEGORIES: Final = 16
"""Categories a visit counts; later ones are not counted."""
_PRODUCT_BYTES: Final = 4


@lru_cache(maxsize=4096)
def interned(text: str) -> str:
    """Return the one copy of a text that many visits share."""
    return text


class Visit(msgspec.Struct, array_like=True, gc=False):
    """The session of a visitor. Bounded by ``PRODUCTS``, ``CATEGORIES`` and the bounds of its cart.

    ``products`` are hashes of four bytes, one after the other. ``announced`` is the user that the market was
    told of, ``consent`` the consent. ``trace`` is that of the latest event.
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
    idle_emitted: bool = False
    cart: Cart | None = None
    coupons_denied: int = 0
    announced: str | None = None
    timezone: str | None = None
    locale: str | None = None
    trace: Trace | None = None
    consent: dict[str, bool] | None = None
    segment: str | None = None

    def intern(self) -> None:
        """Share the copies of texts that other visits hold too, after it was decoded."""
        self.market = interned(self.market)
        self.device = None if self.device is None else interned(self.device)
        self.source = None if self.source is None else interned(self.source)
        self.categories = {interned(name): count for name, count in self.categories.items()}
        self.timezone = None if self.timezone is None else interned(self.timezone)
        self.locale = None if self.locale is None else interned(self.locale)
        self.segment = None if self.segment is None else interned(self.segment)

    def observe(self, event: AnyShopEvent) -> None:
        """Count one event of this visit, in whatever order events arrive; KeyError for an unknown kind."""
        self.events += 1
        at_s = event.at_s
        if at_s >= self.last_s:
            self.last_s = at_s
            if self.idle_emitted:
                self.idle_emitted = False
        own_s = at_s if event.happened_s is None else event.happened_s
        if own_s < self.started_s:  # noqa: PLR1730  a struct's write costs three times the comparison
            self.started_s = own_s
        if event.user is not None:
            self.user = event.user
        session, device, source = event.session, event.device, event.source
        if session is not None and session != self.session:
            self.session = session
        if device is not None and device != self.device:
            self.device = interned(device)
        if source is not None and self.source is None:
            self.source = interned(source)
        context = event.context
        if context is not None:
            self.note(context)
        elif self.trace is not None:
            self.trace = None
        _COUNTERS[type(event)](self, event)

    def note(self, context: EventContext) -> None:
        """Note the visitor's place, language and segment, and the trace; the latest that is known counts."""
        self.trace = context.trace
        if context.timezone is not None and context.timezone != self.timezone:
            self.timezone = interned(context.timezone)
        if context.locale is not None and context.locale != self.locale:
            self.locale = interned(context.locale)
        if context.segment is not None and context.segment != self.segment:
            self.segment = interned(context.segment)

    def announce_consent(self, consent: dict[str, bool], *, in_order: bool) -> bool:
        """Return whether the market is to be told of a consent, and note that it is.

        One that is said in the order of time is news where it differs from what the market was told last.
        After any other, the market may hold something else: the next is news again.
        """
        if not in_order:
            self.consent = None
            return True
        known = self.consent
        if known is not None and consent.items() <= known.items():
            return False
        self.consent = consent if known is None else known | consent
        return True

    def count_activity(self, _: Activity) -> None:
        """Count nothing beside the event itself."""

    def count_page_view(self, _: PageView) -> None:
        """Count a page."""
        self.page_views += 1

    def count_product_view(self, event: ProductView) -> None:
        """Count a product, its price and its category."""
        self.product_views += 1
        price, category, products = event.price, event.category, self.products
        if price is not None:
            self.viewed_value += price
            self.viewed_priced += 1
        if len(products) < PRODUCTS * _PRODUCT_BYTES:
            product = crc32(event.sku.encode()).to_bytes(_PRODUCT_BYTES)
            if product not in products or not _holds(products, product):
                self.products = products + product
        if category is not None:
            categories = self.categories
            count = categories.get(category)
            if count is not None:
                categories[category] = count + 1
            elif len(categories) < CATEGORIES:
                categories[interned(category)] = 1

    def count_search(self, _: Search) -> None:
        """Count a search."""
        self.searches += 1

    def count_addition(self, _: CartAddition) -> None:
        """Count a change that put something into the cart."""
        self.cart_adds += 1

    def count_removal(self, _: CartRemoval) -> None:
        """Count a change that took something out of the cart."""
        self.cart_removes += 1

    def count_snapshot(self, _: CartSnapshot) -> None:
        """Count nothing: a snapshot does not say what the visitor did."""

    def count_checkout(self, event: CheckoutStart) -> None:
        """Note when the visitor began to pay."""
        self.checkout_s = event.own_s

    def count_denial(self, _: CouponDenial) -> None:
        """Count a code that the shop did not accept."""
        self.coupons_denied += 1

    def count_order(self, event: Order) -> None:
        """Note when the visitor last ordered, here or elsewhere."""
        own_s = event.own_s
        self.ordered_s = own_s if self.ordered_s is None else max(self.ordered_s, own_s)

    def change_cart(self, cart_id: str, change: CartChange, final_s: float) -> Cart:
        """Apply a change to the cart, which begins with its first; those before ``final_s`` are final."""
        cart = self.cart
        if cart is None:
            cart = self.cart = Cart(cart_id, change.at_s, change.at_s)
        if self.first_cart_s is None or change.at_s < self.first_cart_s:
            self.first_cart_s = change.at_s
        cart.apply(change, final_s)
        return cart

    @property
    def distinct_products(self) -> int:
        """How many different products were looked at, as far as they are remembered."""
        return len(self.products) // _PRODUCT_BYTES

    @property
    def cart_is_full(self) -> bool:
        """Whether there is anything in the cart."""
        return self.cart is not None and self.cart.is_full


def _holds(products: bytes, product: bytes) -> bool:
    at = products.find(product)
    while at > 0 and at % _PRODUCT_BYTES:
        at = products.find(product, at + 1)
    return at >= 0


_COUNTERS: Final[dict[type[Any], Callable[[Visit, Any], None]]] = {
    Activity: Visit.count_activity,
    PageView: Visit.count_page_view,
    ProductView: Visit.count_product_view,
    Search: Visit.count_search,
    CartAddition: Visit.count_addition,
    CartRemoval: Visit.count_removal,
    CartSnapshot: Visit.count_snapshot,
    CheckoutStart: Visit.count_checkout,
    CouponDenial: Visit.count_denial,
    Order: Visit.count_order,
}
