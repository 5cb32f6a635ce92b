"""Many mappings of names to numbers and words in flat columns: eight bytes a number, four a word."""

from array import array
from collections.abc import Hashable, Iterator, Mapping
from itertools import repeat
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from operators.bandits.context import finite_number
from operators.evaluation.log import Floats, Ints

Codes = NDArray[np.uint32]
T = TypeVar("T", bound=Hashable)

MISSING: Final = 2**32 - 1
"""The code of no word."""


class Numbered(Generic[T]):
    """Values, each kept once and numbered from 0 in the order in which they first came."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def of(self, value: T) -> int:
        """Return the number of a value, which is there from then on."""
        found = self._numbers.setdefault(value, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found


class Mappings:
    """Mappings that are added one by one, and read back one by one or by their columns.

    There is a column for the numbers of each name, another for its words, and every word is kept once. What
    was neither word nor finite number is not there when it is read back, and numbers are floats. Numbers that
    four bytes tell exactly, as counts, take no more once all are there.
    """

    def __init__(self) -> None:
        self.words: Numbered[str] = Numbered()
        self._size = 0
        self._numbers: dict[Any, array[float]] = {}
        self._codes: dict[Any, array[int]] = {}
        self._order: list[tuple[Any, bool]] = []

    def append(self, mapping: Mapping[Any, object]) -> None:
        """Add a mapping."""
        numbers, size = self._numbers, self._size
        for name, value in mapping.items():
            if isinstance(value, str):
                codes = self._codes.get(name)
                if codes is None:
                    codes = self._codes[name] = array("I")
                    self._order.append((name, True))
                if len(codes) < size:
                    codes.extend(repeat(MISSING, size - len(codes)))
                codes.append(self.words.of(value))
            elif (plain := finite_number(value)) is not None:
                column = numbers.get(name)
                if column is None:
                    column = numbers[name] = array("d")
                    self._order.append((name, False))
                if len(column) < size:
                    column.extend(repeat(np.nan, size - len(column)))
                column.append(plain)
        self._size += 1

    def close(self) -> None:
        """Make all columns equally long and no wider than need be: nothing is added any more."""
        for name, column in self._numbers.items():
            column.extend(repeat(np.nan, self._size - len(column)))
            values = np.asarray(column)
            with np.errstate(over="ignore"):
                narrow = values.astype(np.float32)
            if np.array_equal(narrow, values, equal_nan=True):
                self._numbers[name] = array("f", narrow.tobytes())
        for codes in self._codes.values():
            codes.extend(repeat(MISSING, self._size - len(codes)))

    def __getitem__(self, place: int) -> dict[Any, Any]:
        """Return a mapping, its names in the order in which they first came."""
        words = self.words.values
        found: dict[Any, Any] = {}
        for name, is_word in self._order:
            if is_word:
                if (code := self._codes[name][place]) != MISSING:
                    found[name] = words[code]
            elif (value := self._numbers[name][place]) == value:  # else it is not a number
                found[name] = value
        return found

    def numbers(self, places: Ints) -> Iterator[tuple[Any, Floats]]:
        """Yield each name with its numbers at some places, not a number where there is none."""
        return (
            (name, np.asarray(column)[places].astype(np.float64)) for name, column in self._numbers.items()
        )

    def codes(self, places: Ints) -> Iterator[tuple[Any, Codes]]:
        """Yield each name with the codes of its words at some places, ``MISSING`` where there is none."""
        return ((name, np.asarray(codes)[places]) for name, codes in self._codes.items())
