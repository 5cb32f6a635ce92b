"""What a world is made of."""

import math
from dataclasses import dataclass
from typing import Final

from operators.simulation.segments import SEGMENTS, Segment
from schemas.shop import Offer

SHOP_CARTS: Final = 0.07
"""A share of visits with a cart as in real shops: about 2 % of all visits end with an order."""
DEMO_CARTS: Final = 0.45
"""A denser world, where about 14 % of the visits end with an order and most visits lead to a decision."""


@dataclass(frozen=True)
class WorldSettings:
    """The shop of a world, its shoppers, and how busy it is.

    Attributes
    ----------
    offers
        The offers of the shop.
    starts_at_s
        When the world starts, seconds since 1970.
    market
        The market of all events.
    ends_at_s
        No visit begins after that; visits that have begun go on to their end.
    visits_per_hour
        The mean number of visits that begin in an hour.
    cart_share
        The share of visits that fill a cart.
    seasons
        Whether the time of day and the weekday matter.
    products
        The number of products.
    segments
        The kinds of shoppers.
    consent_share
        The share of people who agree to offers by e-mail and in the app; the others refuse both.
    checkout_broken_s
        An incident, from one time to another: no order follows a checkout that would be paid meanwhile.
    """

    offers: tuple[Offer, ...]
    starts_at_s: float
    market: str = "default"
    ends_at_s: float = math.inf
    visits_per_hour: float = 600.0
    cart_share: float = SHOP_CARTS
    seasons: bool = True
    products: int = 240
    segments: tuple[Segment, ...] = SEGMENTS
    consent_share: float = 1.0
    checkout_broken_s: tuple[float, float] | None = None
