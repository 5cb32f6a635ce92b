"""Whether the prices of an order are before or after its discount: Segment leaves it to the shop."""

from typing import Any, Final

from schemas.adapters.numbers import MONEY_DIGITS, amount_of

CENT: Final = 0.01


def is_after_discount(lines: list[Any], subtotal: float | None) -> bool:
    """Return whether lines add up to a subtotal, which is after discounts: then so are their prices.

    >>> is_after_discount([{"price": 19}, {"price": 3, "quantity": 2}], 22.5)
    False
    >>> is_after_discount([{"price": 17.1}, {"price": 2.7, "quantity": 2}], 22.5)
    True
    """
    total = _total(lines)
    # Prices are rounded to cents one by one.
    return subtotal is not None and total is not None and abs(total - subtotal) < CENT * (len(lines) + 1) / 2


def before_discount(lines: list[Any], discount: float) -> list[Any]:
    """Return lines at the prices before a discount that all of them share in proportion to their prices.

    >>> before_discount([{"sku": "A", "price": 17.1}, {"sku": "B", "price": 2.7, "quantity": 2}], 2.5)
    [{'sku': 'A', 'price': 19.0}, {'sku': 'B', 'price': 3.0, 'quantity': 2}]
    """
    total = _total(lines)
    if not total:
        return lines
    factor = 1.0 + discount / total
    return [
        line | {"price": round(price * factor, MONEY_DIGITS)}
        if (price := amount_of(line.get("price"))) is not None
        else line
        for line in lines
    ]


def _total(lines: list[Any]) -> float | None:
    """Return what lines add up to, None where one of them does not say it."""
    total = 0.0
    for line in lines:
        price = amount_of(line.get("price")) if isinstance(line, dict) else None
        quantity = amount_of(line.get("quantity", 1)) if price is not None else None
        if price is None or quantity is None:
            return None
        total += price * quantity
    return total
