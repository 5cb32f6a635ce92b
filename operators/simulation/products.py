"""What the simulated shop sells: products by category, each with its price and its cost to the shop."""

from typing import Final, NamedTuple

from operators.simulation.random_streams import RandomStream

CATEGORIES: Final = {
    "shoes": 66.0, "shirts": 50.0, "jackets": 75.0, "sport": 58.0,
    "home": 54.0, "kitchen": 48.0, "audio": 70.0, "toys": 45.0,
}  # fmt: skip
"""The median price in each category."""
SPREAD: Final = 0.2
"""The standard deviation of the logarithm of prices within a category."""


class Product(NamedTuple):
    """One product."""

    sku: str
    category: str
    price: float
    unit_cost: float

    def item(self, quantity: int = 1) -> dict[str, object]:
        """Return so many of it as an item of a native event."""
        return {
            "sku": self.sku,
            "price": self.price,
            "quantity": quantity,
            "category": self.category,
            "unit_cost": self.unit_cost,
        }


def product_catalog(rng: RandomStream, products: int) -> dict[str, tuple[Product, ...]]:
    """Return about so many products by category, cheap ones first; margins are 35 to 50 % of the price."""
    each = max(products // len(CATEGORIES), 1)
    made = {}
    for category, median in CATEGORIES.items():
        prices = sorted(round(median * rng.lognormvariate(0, SPREAD), 2) for _ in range(each))
        made[category] = tuple(
            Product(f"{category}-{n}", category, price, round(price * rng.uniform(0.5, 0.65), 2))
            for n, price in enumerate(prices, start=1)
        )
    return made
