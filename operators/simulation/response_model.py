"""What a hesitating shopper does with an offer: chances and profits that are known exactly."""

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


class Cart(NamedTuple):
    """A full cart whose owner hesitates since `at_s`; `margin` is what the shop earns if it is bought."""

    id: str
    visitor: str
    segment: Segment
    at_s: float
    value: float
    margin: float
    items: tuple[dict[str, object], ...]


class Outcome(NamedTuple):
    """One way a cart can end: how likely, and the profit less what the offer cost."""

    chance: float
    profit: float


def base_chance(cart: Cart) -> float:
    """The chance that the cart is bought without an offer: less for dear carts, more in the evening."""
    dear = min(max(math.pow(TYPICAL_VALUE / max(cart.value, 1.0), 0.25), 0.7), 1.4)
    evening = 1.0 + 0.1 * math.sin(2 * math.pi * (cart.at_s / 3600 - 14) / 24)
    return cart.segment.buys * dear * evening


def strength(offer: Offer, value: float) -> float:
    """How strongly an offer tells in a cart of that value, from 0 to 1: soon saturated."""
    match offer.kind:
        case "percent_off":
            return 1 - math.exp(-offer.value / 5)
        case "amount_off":
            return 1 - math.exp(-20 * offer.value / max(value, 1.0))
        case "free_shipping":
            return 1 - math.exp(-40 * offer.value / max(value, 1.0))
        case _:
            return 1.0


def seen_chance(cart: Cart, offer: Offer) -> float:
    """The chance that the cart is bought by an owner who saw the offer."""
    base = base_chance(cart)
    pull = cart.segment.pull.get(offer.kind, 0.0) * strength(offer, cart.value)
    return base + pull * (max(cart.segment.ceiling - base, 0.0) if pull > 0 else base)


def outcomes(cart: Cart, offer: Offer | None) -> tuple[Outcome, ...]:
    """All ways the cart can end after that decision; the chances add up to 1."""
    base = base_chance(cart)
    if offer is None:
        return (Outcome(base, cart.margin), Outcome(1 - base, 0.0))
    cost = offer.cost.share * cart.value + offer.cost.fixed
    sent = cost if offer.cost.charged == "decided" else 0.0
    shown = cost if offer.cost.charged in ("decided", "shown") else 0.0
    bought = cart.margin - (cost if offer.cost.charged == "bought" else 0.0)
    redeemed = bought - (cost if offer.cost.charged == "redeemed" else 0.0)
    seen, chance = EXPOSURE[offer.channel], seen_chance(cart, offer)
    return (
        Outcome((1 - seen) * base, bought - sent),
        Outcome((1 - seen) * (1 - base), -sent),
        Outcome(seen * chance * REDEEMS, redeemed - shown),
        Outcome(seen * chance * (1 - REDEEMS), bought - shown),
        Outcome(seen * (1 - chance), -shown),
    )


def buying_chance(cart: Cart, offer: Offer | None) -> float:
    """The chance that the cart is bought after that decision."""
    if offer is None:
        return base_chance(cart)
    seen = EXPOSURE[offer.channel]
    return seen * seen_chance(cart, offer) + (1 - seen) * base_chance(cart)


def true_values(cart: Cart, offers: Iterable[Offer]) -> dict[str, float]:
    """The expected profit of each arm for this cart; offers for which it is too small are left out."""
    values = {NO_OFFER: _mean(outcomes(cart, None))}
    for offer in offers:
        if cart.value >= offer.min_cart_value:
            values[offer.name] = _mean(outcomes(cart, offer))
    return values


def _mean(ways: tuple[Outcome, ...]) -> float:
    return sum(way.chance * way.profit for way in ways)
