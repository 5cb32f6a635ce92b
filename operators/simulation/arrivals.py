"""When shoppers come: new ones at random times that follow the season, and some again days later."""

import math
from collections.abc import Iterator
from typing import Final

from operators.simulation.random_streams import RandomStream
from operators.simulation.world_settings import WorldSettings

RETURN_SHARE: Final = 0.3
"""The share of visits after which the shopper comes again."""
RETURN_DAYS: Final = 3.0
"""The mean number of days until then, after every reward window is over."""
DAY_S: Final = 86_400.0
BUSIEST: Final = 2.0
"""No season is busier."""


def first_visits(rng: RandomStream, settings: WorldSettings) -> Iterator[float]:
    """Yield the times at which new shoppers come, seconds since 1970, then infinity for ever.

    A Poisson process, thinned by the season.
    """
    new_per_s = settings.visits_per_hour * (1 - RETURN_SHARE) / 3600
    if new_per_s <= 0:
        yield math.inf
    busiest = BUSIEST if settings.seasons else 1.0
    at_s = settings.starts_at_s
    while True:
        at_s += rng.expovariate(new_per_s * busiest)
        if at_s > settings.ends_at_s:
            yield math.inf
        if not settings.seasons or rng.random() * busiest < season(at_s):
            yield at_s


def season(at_s: float) -> float:
    """Return how busy the shop is at that time (UTC), 1 on average: quiet at night, busy on Sundays."""
    hour = at_s / 3600 % 24
    weekday = int(at_s // DAY_S + 3) % 7
    of_day = 1 + 0.6 * math.cos(2 * math.pi * (hour - 19) / 24)
    return of_day * (0.9, 0.95, 0.95, 1.0, 0.95, 1.05, 1.2)[weekday]


def cart_chances(settings: WorldSettings) -> dict[str, float]:
    """Return the chance that a visit of each segment fills a cart, so that all together meet the share."""
    mean = sum(segment.share * segment.carts for segment in settings.segments)
    total = sum(segment.share for segment in settings.segments)
    return {
        segment.name: min(settings.cart_share * segment.carts * total / mean, 1.0)
        for segment in settings.segments
    }
