"""Money in integer millionths, so that sums are exact and no rounding exceeds a budget."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

MICROS: Final = 1_000_000
_NOISE: Final = 9
"""Decimal places; what stands behind them is the noise of float arithmetic."""
_NANOS: Final = 1_000
_EXACT: Final = 4e6
"""Below this the decimal places of an amount are exact in a float as a whole number of billionths."""


def micros_up(amount: float) -> int:
    """Return an amount in millionths, rounded up.

    >>> micros_up(0.1 + 0.2), micros_up(0.1234567), micros_up(-0.1234567)
    (300000, 123457, -123456)
    """
    if abs(amount) < _EXACT:
        return -(-round(round(amount, _NOISE) * 1e9) // _NANOS)
    return int((Decimal(repr(round(amount, _NOISE))) * MICROS).to_integral_value(ROUND_CEILING))


def micros_down(amount: float) -> int:
    """Return an amount in millionths, rounded down.

    >>> micros_down(1000.1), micros_down(0.1234567)
    (1000100000, 123456)
    """
    return int((Decimal(repr(round(amount, _NOISE))) * MICROS).to_integral_value(ROUND_FLOOR))
