"""What is best in a world: the exact value of each arm, and of an oracle that knows every shopper."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from operators.simulation.response_model import HesitatingCart, buying_chance, outcomes, true_values
from operators.simulation.world import World
from operators.simulation.world_settings import WorldSettings
from schemas.shop import NO_OFFER, Offer


@dataclass(frozen=True)
class ArmValue:
    """One arm, chosen for every cart that it suits (the others get no offer).

    ``mean`` and ``sd`` are those of the profit per cart, ``conversion`` is the chance of an order.
    """

    mean: float
    sd: float
    conversion: float


@dataclass(frozen=True)
class OracleValues:
    """Exact expectations over some carts.

    Attributes
    ----------
    arms
        The value of each arm.
    by_segment
        The same for the carts of each segment.
    oracle
        Profit per cart of choosing the best arm for each cart, knowing its segment.
    """

    arms: dict[str, ArmValue]
    by_segment: dict[str, dict[str, ArmValue]]
    oracle: float

    @property
    def no_offer(self) -> float:
        """Profit per cart without any offer."""
        return self.arms[NO_OFFER].mean

    @property
    def best_fixed(self) -> str:
        """The arm with the greatest profit if the same one is chosen for all carts."""
        return max(self.arms, key=lambda name: self.arms[name].mean)

    @property
    def spread(self) -> float:
        """How far the best arm is from the worst, in standard deviations of a reward (mean over arms)."""
        means = [arm.mean for arm in self.arms.values()]
        sd = sum(arm.sd for arm in self.arms.values()) / len(self.arms)
        return (max(means) - min(means)) / sd


def hesitating_carts(seed: int, settings: WorldSettings, carts: int) -> list[HesitatingCart]:
    """Return the first so many carts of a world whose owners hesitate, fewer if it ends before."""
    world = World(seed, settings)
    found: dict[str, HesitatingCart] = {}
    while len(found) < carts and math.isfinite(world.next_s):
        world.events_until(world.now_s + 3600.0)
        found.update((cart.id, cart) for cart in world.carts())
    return list(found.values())[:carts]


def oracle_values(carts: Sequence[HesitatingCart], offers: Sequence[Offer]) -> OracleValues:
    """Return what each arm and the oracle earn on these carts, exactly."""
    segments = sorted({cart.segment.name for cart in carts})
    return OracleValues(
        arms=_arms(carts, offers),
        by_segment={name: _arms([c for c in carts if c.segment.name == name], offers) for name in segments},
        oracle=sum(max(true_values(cart, offers).values()) for cart in carts) / len(carts),
    )


def _arms(carts: Sequence[HesitatingCart], offers: Iterable[Offer]) -> dict[str, ArmValue]:
    return {NO_OFFER: _arm(carts, None)} | {offer.name: _arm(carts, offer) for offer in offers}


def _arm(carts: Sequence[HesitatingCart], offer: Offer | None) -> ArmValue:
    mean = square = conversion = 0.0
    for cart in carts:
        suitable = offer if offer is not None and cart.value >= offer.min_cart_value else None
        for way in outcomes(cart, suitable):
            mean += way.chance * way.profit
            square += way.chance * way.profit**2
        conversion += buying_chance(cart, suitable)
    mean /= len(carts)
    return ArmValue(mean, (square / len(carts) - mean**2) ** 0.5, conversion / len(carts))
