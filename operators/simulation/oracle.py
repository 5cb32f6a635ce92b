"""What is best in a world: the exact value of each arm, and of knowing every shopper."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from operators.simulation.response_model import Cart, buying_chance, outcomes, true_values
from operators.simulation.world import World, WorldSettings
from schemas.shop import NO_OFFER, Offer


@dataclass(frozen=True)
class Arm:
    """One arm, made to every cart that it suits (the others get no offer): profit and orders per cart."""

    mean: float
    sd: float
    conversion: float


@dataclass(frozen=True)
class Yardstick:
    """Exact expectations over the given carts; `oracle` knows the segment of each and picks the best arm."""

    arms: dict[str, Arm]
    by_segment: dict[str, dict[str, Arm]]
    oracle: float

    @property
    def no_offer(self) -> float:
        """Profit per cart without any offer."""
        return self.arms[NO_OFFER].mean

    @property
    def best_fixed(self) -> str:
        """The best arm for a policy that knows only one."""
        return max(self.arms, key=lambda name: self.arms[name].mean)

    @property
    def spread(self) -> float:
        """How far the best arm is from the worst, in standard deviations of a reward (mean over arms)."""
        means = [arm.mean for arm in self.arms.values()]
        sd = sum(arm.sd for arm in self.arms.values()) / len(self.arms)
        return (max(means) - min(means)) / sd


def hesitating(seed: int, settings: WorldSettings, carts: int) -> list[Cart]:
    """The first so many carts of a world whose owners hesitate, fewer where it ends before."""
    world = World(seed, settings)
    found: dict[str, Cart] = {}
    while len(found) < carts and math.isfinite(world.next_s):
        world.until(world.now_s + 3600.0)
        found.update((cart.id, cart) for cart in world.carts())
    return list(found.values())[:carts]


def yardstick(carts: Sequence[Cart], offers: Sequence[Offer]) -> Yardstick:
    """What each arm and the oracle earn on these carts, exactly."""
    segments = sorted({cart.segment.name for cart in carts})
    return Yardstick(
        arms=_arms(carts, offers),
        by_segment={name: _arms([c for c in carts if c.segment.name == name], offers) for name in segments},
        oracle=sum(max(true_values(cart, offers).values()) for cart in carts) / len(carts),
    )


def _arms(carts: Sequence[Cart], offers: Iterable[Offer]) -> dict[str, Arm]:
    return {NO_OFFER: _arm(carts, None)} | {offer.name: _arm(carts, offer) for offer in offers}


def _arm(carts: Sequence[Cart], offer: Offer | None) -> Arm:
    mean = square = conversion = 0.0
    for cart in carts:
        fits = offer if offer is not None and cart.value >= offer.min_cart_value else None
        for way in outcomes(cart, fits):
            mean += way.chance * way.profit
            square += way.chance * way.profit**2
        conversion += buying_chance(cart, fits)
    mean /= len(carts)
    return Arm(mean, (square / len(carts) - mean**2) ** 0.5, conversion / len(carts))
