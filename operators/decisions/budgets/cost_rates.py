"""How much of what an offer would cost at its cart it costs in the end: learned for each arm, with decay."""

from typing import Final

import msgspec

PRIOR: Final = 0.3
"""What is expected before any offer has ended; of a new arm, what is known of all together."""
PRIOR_OFFERS: Final = 4.0
ALL: Final = ""
DECAY: Final = 0.5 ** (1.0 / 1000.0)
"""The end of an offer counts half after a thousand further ones."""


class CostRate(msgspec.Struct, array_like=True, gc=False):
    """Offers that are over, their costs at their carts, what they cost, how many of them were charged."""

    offers: float = 0.0
    at_cart: float = 0.0
    cost: float = 0.0
    charged: float = 0.0


class CostRates:
    """By arm what offers cost, beside what they would have cost at their carts. Bounded by the arms."""

    def __init__(self) -> None:
        self.rates: dict[str, CostRate] = {}

    def share(self, arm: str) -> float:
        """Return what an offer costs in the end as a share of what it would cost at its cart."""
        found = PRIOR
        for rate in self._known(arm):
            prior = PRIOR_OFFERS * rate.at_cart / rate.offers
            found = (max(rate.cost, 0.0) + found * prior) / (rate.at_cart + prior)
        return found

    def charged(self, arm: str) -> float:
        """Return the probability that an offer is charged."""
        found = PRIOR
        for rate in self._known(arm):
            found = (rate.charged + found * PRIOR_OFFERS) / (rate.offers + PRIOR_OFFERS)
        return found

    def _known(self, arm: str) -> list[CostRate]:
        """Return what is known of all arms together, and of this one."""
        found = (self.rates.get(name) for name in (ALL, arm))
        return [rate for rate in found if rate is not None and rate.at_cart > 0.0]

    def ended(self, arm: str, at_cart: float, *, charged: bool) -> None:
        """Learn that an offer is over."""
        for name in (ALL, arm):
            rate = self.rates.setdefault(name, CostRate())
            rate.offers = rate.offers * DECAY + 1.0
            rate.at_cart = rate.at_cart * DECAY + at_cart
            rate.charged = rate.charged * DECAY + charged
            rate.cost *= DECAY

    def cost(self, arm: str, change: float) -> None:
        """Learn what an offer has cost."""
        for name in (ALL, arm):
            self.rates.setdefault(name, CostRate()).cost += change
