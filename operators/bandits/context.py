"""What a policy is given: contexts, arms, and how a value in a context is read as a number."""

from collections.abc import Mapping
from math import isfinite
from numbers import Real
from typing import Any, TypeAlias, TypeVar

Context: TypeAlias = Mapping[str, Any]
"""Features by name; numbers and text count, anything else is ignored."""
Surcharges: TypeAlias = Mapping[Any, float]
"""By how much the expected reward of arms is lowered in a choice; an arm that is missing has none."""
Arm = TypeVar("Arm", bound=int | str)


def finite_number(value: object) -> float | None:
    """Return the value as a finite float, None where it is not a number (text, None, NaN, infinity).

    >>> finite_number(True), finite_number("3"), finite_number(float("nan"))
    (1.0, None, None)
    """
    if not isinstance(value, (float, int, Real)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if isfinite(result) else None
