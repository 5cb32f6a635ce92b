"""The kinds of shoppers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DEVICES: Final = ("mobile", "desktop", "tablet")
SOURCES: Final = ("direct", "search", "ads", "social", "email", "coupons")


@dataclass(frozen=True)
class Segment:
    """A kind of shopper: how it behaves, which the shop sees, and how it responds, which the shop does not.

    Attributes
    ----------
    name
        Names the segment.
    share
        Its part of all visits, relative to the other segments.
    carts
        How readily it fills a cart, relative to the other segments.
    hesitates
        The chance that it hesitates over a full cart instead of buying at once.
    buys
        The chance that a hesitating shopper returns and buys without an offer.
    ceiling
        What an offer with a pull of 1 raises that chance to.
    products, pages, searches
        The mean number of further ones in a visit.
    dwell_s
        The mean time between events.
    lines
        The mean number of cart lines beyond the first.
    churn
        The chance that it removes one again.
    checkouts
        The chance that it begins to pay before it hesitates.
    focus
        The chance that what it looks at is of its favourite category.
    thrift
        Above 1 it looks at cheap products, below 1 at expensive ones.
    devices, sources
        Weights of ``DEVICES`` and of ``SOURCES``.
    dismisses, clicks
        The chance that it dismisses, or clicks, an offer it sees but does not use.
    pull
        By kind of offer, how far a seen offer moves the chance towards ``ceiling`` (1: all the way), or
        towards zero where it is negative; 0 for other kinds.
    """

    name: str
    share: float
    carts: float
    hesitates: float
    buys: float
    ceiling: float
    products: float
    pages: float
    searches: float
    dwell_s: float
    lines: float
    churn: float
    checkouts: float
    focus: float
    thrift: float
    devices: tuple[float, ...]
    sources: tuple[float, ...]
    dismisses: float = 0.3
    clicks: float = 0.1
    pull: Mapping[str, float] = field(default_factory=dict)


BUYS_ANYWAY: Final = Segment(
    name="buys_anyway", share=0.15, carts=1.4, hesitates=0.45, buys=0.19, ceiling=0.24,
    products=1.5, pages=0.6, searches=0.4, dwell_s=14, lines=0.35, churn=0.05, checkouts=0.3,
    focus=0.8, thrift=0.9, devices=(0.3, 0.6, 0.1),
    sources=(0.74, 0.02, 0.01, 0.01, 0.21, 0.01), dismisses=0.2,
    pull={"percent_off": 0.1, "amount_off": 0.1, "free_shipping": 0.1},
)  # fmt: skip
NEEDS_DISCOUNT: Final = Segment(
    name="needs_discount", share=0.19, carts=1.2, hesitates=0.85, buys=0.02, ceiling=0.37,
    products=7, pages=1.5, searches=0.8, dwell_s=18, lines=0.35, churn=0.6, checkouts=0.05,
    focus=0.55, thrift=1.2, devices=(0.75, 0.2, 0.05),
    sources=(0.01, 0.01, 0.02, 0.01, 0.01, 0.94), clicks=0.2,
    pull={"percent_off": 1.0, "amount_off": 0.9, "free_shipping": 0.25, "bundle": 0.4, "points": 0.2,
          "pay_later": 0.4, "reminder": 0.05},
)  # fmt: skip
NEEDS_SHIPPING: Final = Segment(
    name="needs_free_shipping", share=0.19, carts=1.2, hesitates=0.85, buys=0.02, ceiling=0.355,
    products=2.5, pages=1.0, searches=2.0, dwell_s=16, lines=0.35, churn=0.1, checkouts=0.9,
    focus=0.6, thrift=1.0, devices=(0.45, 0.45, 0.1),
    sources=(0.01, 0.94, 0.02, 0.01, 0.01, 0.01), clicks=0.2,
    pull={"percent_off": 0.2, "amount_off": 0.3, "free_shipping": 1.0, "bundle": 0.05, "points": 0.1,
          "pay_later": 0.1, "reminder": 0.1},
)  # fmt: skip
ANNOYED: Final = Segment(
    name="annoyed", share=0.15, carts=1.1, hesitates=0.75, buys=0.19, ceiling=0.24,
    products=3, pages=0.8, searches=0.2, dwell_s=32, lines=0.35, churn=0.05, checkouts=0.15,
    focus=0.95, thrift=0.8, devices=(0.1, 0.8, 0.1),
    sources=(0.84, 0.02, 0.01, 0.01, 0.11, 0.01), dismisses=0.8, clicks=0.02,
    pull={"percent_off": -0.9, "amount_off": -0.9, "free_shipping": -0.95, "bundle": -0.9, "points": -0.8,
          "pay_later": -0.9, "reminder": -0.8},
)  # fmt: skip
JUST_LOOKING: Final = Segment(
    name="just_looking", share=0.32, carts=0.35, hesitates=0.95, buys=0.02, ceiling=0.2,
    products=4, pages=4.0, searches=0.3, dwell_s=24, lines=0.35, churn=0.25, checkouts=0.03,
    focus=0.2, thrift=1.0, devices=(0.8, 0.1, 0.1),
    sources=(0.01, 0.01, 0.04, 0.92, 0.01, 0.01), dismisses=0.4,
    pull={"percent_off": 0.1, "amount_off": 0.1, "free_shipping": 0.1, "bundle": 0.6, "points": 0.5,
          "pay_later": 0.2, "reminder": 0.9},
)  # fmt: skip
SEGMENTS: Final = (BUYS_ANYWAY, NEEDS_DISCOUNT, NEEDS_SHIPPING, ANNOYED, JUST_LOOKING)
