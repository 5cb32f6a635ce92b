"""Values that are kept once and referred to by number."""

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class DistinctValues(Generic[T]):
    """Distinct values, numbered from 0 in the order in which they were first added; bounded by their number.

    >>> arms = DistinctValues()
    >>> [arms.index(arm) for arm in ("ten", "no_offer", "ten")], arms.values
    ([0, 1, 0], ['ten', 'no_offer'])
    """

    def __init__(self) -> None:
        self.values: list[T] = []
        self._indices: dict[T, int] = {}

    def index(self, value: T) -> int:
        """Return the number of a value, after adding it if it is new."""
        found = self._indices.setdefault(value, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found
