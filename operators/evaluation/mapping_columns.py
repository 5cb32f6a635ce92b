"""Many mappings from names to numbers and words in flat columns: eight bytes a number, four a word."""

from array import array
from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from operators.bandits.context import finite_number
from operators.evaluation.distinct_values import DistinctValues
from operators.evaluation.log import Floats, Ints

Codes = NDArray[np.uint32]

MISSING: Final = 2**32 - 1
"""The code of no word."""


class MappingColumns:
    """Mappings that are added one by one, and read back one by one or by column.

    There is a column for the numbers of each name and another for its words; every word is kept once. Numbers
    are read back as floats; a value that is neither a word nor a finite number is dropped. ``close`` narrows
    numbers that four bytes represent exactly, such as counts. Bounded by the mappings added, with a column
    for every name that any of them has.
    """

    def __init__(self) -> None:
        self.words: DistinctValues[str] = DistinctValues()
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
                codes.append(self.words.index(value))
            elif (number := finite_number(value)) is not None:
                column = numbers.get(name)
                if column is None:
                    column = numbers[name] = array("d")
                    self._order.append((name, False))
                if len(column) < size:
                    column.extend(repeat(np.nan, size - len(column)))
                column.append(number)
        self._size += 1

    def close(self) -> None:
        """Make all columns equally long and no wider than necessary; nothing can be added after that."""
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
        """Return a mapping, its names in the order in which they were first added."""
        words = self.words.values
        found: dict[Any, Any] = {}
        for name, is_word in self._order:
            if is_word:
                if (code := self._codes[name][place]) != MISSING:
                    found[name] = words[code]
            elif (value := self._numbers[name][place]) == value:  # else it is NaN: not there
                found[name] = value
        return found

    def numbers(self, places: Ints) -> Iterator[tuple[Any, Floats]]:
        """Yield each name with its numbers at some places, NaN where there is none."""
        return (
            (name, np.asarray(column)[places].astype(np.float64)) for name, column in self._numbers.items()
        )

    def codes(self, places: Ints) -> Iterator[tuple[Any, Codes]]:
        """Yield each name with the codes of its words at some places, ``MISSING`` where there is none."""
        return ((name, np.asarray(codes)[places]) for name, codes in self._codes.items())
