"""What offers are worth, and which numbers are alike, where offers are compared."""

import math

from schemas.offers import OfferDecided
from schemas.shop import PERCENT_KINDS


def worth_of(offer: OfferDecided) -> float:
    """Return what an offer is worth to the shopper, as far as its record says: a reminder nothing.

    A percentage is of the cart as it was; what has no price of its own, such as points, is worth its value.
    """
    treatment = offer.data.treatment
    if treatment.kind == "reminder":
        return 0.0
    worth = treatment.value
    if treatment.kind in PERCENT_KINDS:
        worth *= offer.data.cart.value / 100.0
    most = None if treatment.terms is None else treatment.terms.max_discount
    return worth if most is None else min(worth, most)


def number_range(value: float) -> str:
    """Return the range that a number falls into; each is twice as wide as the one before.

    >>> number_range(0), number_range(1.0), number_range(40.5), number_range(-3)
    ('0', '1', '32 to 64', '-4 to -2')
    """
    if value in (0, 1):
        return f"{value:g}"
    size = 2.0 ** math.floor(math.log2(abs(value)))
    low, high = (size, 2.0 * size) if value > 0 else (-2.0 * size, -size)
    return f"{low:g} to {high:g}"
