"""Names by number: learners keep numbers of 32 bits, of a bounded number of names."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from operators.state.map_table import MapTable
from operators.state.rows import StateRows

MOST: Final = 1 << 20
NONE: Final = 0
"""The number of no name."""
_SLOT: Final = MOST - 1
_AGES: Final = (1 << 12) - 1

Numbers = NDArray[np.uint32]


class Numbering(MapTable[int]):
    """The names seen last, at most ``capacity``: the one not seen for the longest makes room for a new one.

    A number is a slot of 20 bits, by which arrays are indexed, and above it how often that slot was given
    away. So what a learner still remembers of a name that is gone is not taken for the name that has its slot
    now, until the slot was given away 4,095 times more.
    """

    __slots__ = ("_names", "_numbers", "capacity")

    def __init__(self, rows: StateRows, prefix: bytes, capacity: int) -> None:
        if not 1 <= capacity <= MOST:
            raise ValueError(f"capacity must be from 1 to {MOST}; got {capacity}")
        self.capacity = capacity
        self._names: list[str] = []
        self._numbers: Numbers = np.zeros(min(capacity, 64), dtype=np.uint32)
        super().__init__(rows, prefix, int)

    def find(self, name: str) -> int:
        """Return the number of a name, ``NONE`` where it was never seen or is forgotten."""
        return self._items.get(name, NONE)

    def see(self, name: str) -> tuple[int, bool]:
        """Return the number of a name that is seen now, and whether it took the slot of another."""
        known = self._items.get(name)
        if known is not None:
            self.put(name, known)
            return known, False
        is_full = len(self) >= self.capacity
        if is_full:
            last = self.drop_first()
            number = (last & _SLOT) | ((last >> 20) % _AGES + 1) << 20
        else:
            number = len(self) | MOST
        self.put(name, number)
        self._name(name, number)
        return number, is_full

    def name(self, number: int) -> str:
        """Return the name that has a number, or its slot."""
        return self._names[number & _SLOT]

    def known(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Return which of these numbers still are those of a name."""
        is_known: NDArray[np.bool_] = (numbers != NONE) & (self._numbers[slots_of(numbers)] == numbers)
        return is_known

    def of_slots(self, slots: list[int]) -> Numbers:
        """Return the numbers that slots have now."""
        return self._numbers[slots]

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up all rows of a snapshot."""
        super().load(rows)
        self._names = []
        self._numbers[:] = NONE
        for name, number in self._items.items():
            self._name(name, number)

    def _name(self, name: str, number: int) -> None:
        slot = number & _SLOT
        if slot >= len(self._names):
            self._names += [""] * (slot + 1 - len(self._names))
        if slot >= len(self._numbers):
            grown = np.zeros(min(max(2 * len(self._numbers), slot + 1), self.capacity), dtype=np.uint32)
            grown[: len(self._numbers)] = self._numbers
            self._numbers = grown
        self._names[slot] = name
        self._numbers[slot] = number


def slot_of(number: int) -> int:
    """Return the slot of a number."""
    return number & _SLOT


def slots_of(numbers: Numbers) -> NDArray[np.intp]:
    """Return the slots of numbers."""
    return (numbers & np.uint32(_SLOT)).astype(np.intp)
