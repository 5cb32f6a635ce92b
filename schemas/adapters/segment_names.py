"""The names of Segment's and RudderStack's calls, and the kinds of events that they report."""

from functools import lru_cache
from typing import Final

_NAMES_OF: Final[dict[str, tuple[str, ...]]] = {
    "page_viewed": ("Product List Viewed", "Viewed Product List", "Viewed Product Category"),
    "product_viewed": ("Product Viewed", "Viewed Product"),
    "searched": ("Products Searched", "Searched Products"),
    "cart_item_added": ("Product Added", "Added Product", "Wishlist Product Added to Cart"),
    "cart_item_removed": ("Product Removed", "Removed Product"),
    "cart_updated": ("Cart Viewed", "Viewed Cart", "Cart Updated", "Updated Cart"),
    "checkout_started": ("Checkout Started", "Started Checkout", "Started Order"),
    "order_completed": ("Order Completed", "Completed Order"),
    "order_updated": ("Order Updated", "Updated Order"),
    "order_refunded": ("Order Refunded", "Refunded Order"),
    "order_cancelled": ("Order Cancelled", "Cancelled Order", "Order Canceled", "Canceled Order"),
    "coupon_denied": ("Coupon Denied", "Denied Coupon"),
    "offer_shown": ("Offer Shown",),
    "offer_clicked": ("Offer Clicked",),
    "offer_dismissed": ("Offer Dismissed",),
    "offer_redeemed": ("Offer Redeemed",),
}
_PROMOTIONS: Final = {
    "offer_shown": ("Promotion Viewed", "Viewed Promotion"),
    "offer_clicked": ("Promotion Clicked", "Clicked Promotion"),
}
_SHORT: Final = 100


def plain_name(name: str) -> str:
    """Return the name of an event or a property without case, spaces, hyphens, underscores and the like.

    >>> plain_name("Product Viewed "), plain_name("productViewed"), plain_name("product_viewed")
    ('productviewed', 'productviewed', 'productviewed')
    """
    return _short_plain_name(name) if len(name) <= _SHORT else _plain_name(name)


def _plain_name(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


# A shop has some dozens of names; only short ones are remembered, so that memory is bounded.
_short_plain_name: Final = lru_cache(maxsize=1024)(_plain_name)

KIND_OF: Final = {plain_name(name): kind for kind, names in _NAMES_OF.items() for name in names}
"""The kind of each call that is more than activity."""

PROMOTION_OF: Final = {plain_name(name): kind for kind, names in _PROMOTIONS.items() for name in names}
"""What a call about a promotion reports if that promotion is one of our offers."""
