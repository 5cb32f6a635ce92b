"""What the simulated shop sells: categories of products, each with its price and what it costs the shop."""

from typing import Final, NamedTuple

from operators.simulation.random_streams import Dice

CATEGORIES: Final = {
    "shoes": 66.0, "shirts": 50.0, "jackets": 75.0, "sport": 58.0,
    "home": 54.0, "kitchen": 48.0, "audio": 70.0, "toys": 45.0,
}  # fmt: skip
"""The median price in each category."""
SPREAD: Final = 0.2


class Product(NamedTuple):
    """One thing to buy."""

    sku: str
    category: str
    price: float
    unit_cost: float

    def item(self, quantity: int = 1) -> dict[str, object]:
        """So many of it, as an item of a native event."""
        return {
            "sku": self.sku,
            "price": self.price,
            "quantity": quantity,
            "category": self.category,
            "unit_cost": self.unit_cost,
        }


def catalogue(dice: Dice, products: int) -> dict[str, tuple[Product, ...]]:
    """The products by category, the cheap ones first; their margin is 35 to 50 percent of the price."""
    each = max(products // len(CATEGORIES), 1)
    made = {}
    for category, median in CATEGORIES.items():
        prices = sorted(round(median * dice.lognormvariate(0, SPREAD), 2) for _ in range(each))
        made[category] = tuple(
            Product(f"{category}-{n}", category, price, round(price * dice.uniform(0.5, 0.65), 2))
            for n, price in enumerate(prices, start=1)
        )
    return made
