"""How hesitating shoppers respond to offers: chances and profits that are known exactly.

docs/explanation/shoppers.md has the equations; constants and segments are the definition of this world.
"""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from operators.simulation.segments import Segment
from schemas.shop import NO_OFFER, Offer

EXPOSURE: Final = {"on_site": 0.95, "app": 0.75, "email": 0.6}
"""The chance that an offer is seen, by channel."""
REDEEMS: Final = 0.97
"""The share of buyers who saw an offer and also use it."""
TYPICAL_VALUE: Final = 90.0
"""The value of a cart whose price moves no chance."""


class HesitatingCart(NamedTuple):
    """A full cart whose owner has hesitated since ``at_s``; ``margin`` is the profit of an order."""

    id: str
    visitor: str
    segment: Segment
    at_s: float
    value: float
    margin: float
    items: tuple[dict[str, object], ...]


class CartOutcome(NamedTuple):
    """One way a cart can end: its chance, and its profit minus what the offer costs."""

    chance: float
    profit: float


def base_chance(cart: HesitatingCart) -> float:
    """Return the chance that the cart is bought without an offer: less if expensive, more in the evening."""
    affordable = min(max(math.pow(TYPICAL_VALUE / max(cart.value, 1.0), 0.25), 0.7), 1.4)
    evening = 1.0 + 0.1 * math.sin(2 * math.pi * (cart.at_s / 3600 - 14) / 24)
    return cart.segment.buys * affordable * evening


def offer_strength(offer: Offer, value: float) -> float:
    """Return how attractive an offer is for a cart of that value, from 0 to 1; it saturates early."""
    match offer.kind:
        case "percent_off":
            return 1 - math.exp(-offer.value / 5)
        case "amount_off":
            return 1 - math.exp(-20 * offer.value / max(value, 1.0))
        case "free_shipping":
            return 1 - math.exp(-40 * offer.value / max(value, 1.0))
        case _:
            return 1.0


def chance_if_seen(cart: HesitatingCart, offer: Offer) -> float:
    """Return the chance that the cart is bought by an owner who saw the offer."""
    base = base_chance(cart)
    pull = cart.segment.pull.get(offer.kind, 0.0) * offer_strength(offer, cart.value)
    return base + pull * (max(cart.segment.ceiling - base, 0.0) if pull > 0 else base)


def outcomes(cart: HesitatingCart, offer: Offer | None) -> tuple[CartOutcome, ...]:
    """Return all ways the cart can end after that decision; the chances sum to 1."""
    base = base_chance(cart)
    if offer is None:
        return (CartOutcome(base, cart.margin), CartOutcome(1 - base, 0.0))
    cost = offer.cost.share * cart.value + offer.cost.fixed
    sent = cost if offer.cost.charged == "decided" else 0.0
    shown = cost if offer.cost.charged in ("decided", "shown") else 0.0
    bought = cart.margin - (cost if offer.cost.charged == "bought" else 0.0)
    redeemed = bought - (cost if offer.cost.charged == "redeemed" else 0.0)
    seen, chance = EXPOSURE[offer.channel], chance_if_seen(cart, offer)
    return (
        CartOutcome((1 - seen) * base, bought - sent),
        CartOutcome((1 - seen) * (1 - base), -sent),
        CartOutcome(seen * chance * REDEEMS, redeemed - shown),
        CartOutcome(seen * chance * (1 - REDEEMS), bought - shown),
        CartOutcome(seen * (1 - chance), -shown),
    )


def buying_chance(cart: HesitatingCart, offer: Offer | None) -> float:
    """Return the chance that the cart is bought after that decision."""
    if offer is None:
        return base_chance(cart)
    seen = EXPOSURE[offer.channel]
    return seen * chance_if_seen(cart, offer) + (1 - seen) * base_chance(cart)


def true_values(cart: HesitatingCart, offers: Iterable[Offer]) -> dict[str, float]:
    """Return the expected profit of each arm for this cart, without offers for which it is too small."""
    values = {NO_OFFER: _mean(outcomes(cart, None))}
    for offer in offers:
        if cart.value >= offer.min_cart_value:
            values[offer.name] = _mean(outcomes(cart, offer))
    return values


def _mean(ways: tuple[CartOutcome, ...]) -> float:
    return sum(way.chance * way.profit for way in ways)
