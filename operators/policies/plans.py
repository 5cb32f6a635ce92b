"""Rows made fast: how contexts of the same names become numbers, worked out once for all of them."""

import math
from array import array
from collections.abc import Callable, Mapping
from numbers import Real
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Context: TypeAlias = Mapping[str, Any]


def number(value: object) -> float | None:
    """The value as a finite number, None where it is not one (text, None, NaN, infinity)."""
    if not isinstance(value, (float, int, Real)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def getter(names: tuple[str, ...]) -> Callable[[Context], tuple[Any, ...]]:
    """What takes the values of these names, as a tuple, out of a context."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda context: tuple([context[name] for name in names])


class Tables(NamedTuple):
    """Where features stand: see ``Columns``."""

    first: Mapping[str, float]
    numbers: Mapping[str, tuple[int, float, float]]
    words: Mapping[tuple[str, str], int]
    present: Mapping[str, int]
    absent: Mapping[str, int]


class Plan(NamedTuple):
    """What the contexts of some names have in common, while their numbers are numbers and words are words.

    ``numbers`` begins with the names that have a column in ``places``; ``still`` is the row without them and
    without words. ``settled``: no name in it, and none missing, is without its column.
    """

    numbers: Callable[[Context], tuple[Any, ...]]
    places: NDArray[np.intp] | slice
    first: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]
    words: tuple[str, ...]
    still: NDArray[np.float64]
    settled: bool

    @classmethod
    def of(cls, names: tuple[str, ...], tables: Tables, width: int) -> "Plan":
        """The plan for contexts of these names, as the columns are now."""
        there = [name for name in names if name in tables.first]
        moving = [name for name in there if name in tables.numbers]
        constant = [name for name in there if name not in tables.numbers]
        worded = {name for name, _ in tables.words}
        chosen = tuple(name for name in names if name in worded)
        still = np.zeros(width)
        still[0] = 1.0
        for table, present in ((tables.present, True), (tables.absent, False)):
            for name, column in table.items():
                still[column] = (name in there) is present
        known = [tables.numbers[name] for name in moving]
        places = np.array([column for column, _, _ in known], dtype=np.intp)
        row = bool((np.diff(places) == 1).all()) and len(places) > 0
        starts = np.array([first for _, first, _ in known], dtype=np.float64)
        limits = np.array([limit for _, _, limit in known], dtype=np.float64)
        settled = not constant and len(moving) + len(chosen) == len(names)
        settled = settled and tables.first.keys() <= tables.present.keys() | tables.absent.keys() | set(there)
        return cls(
            getter((*moving, *constant)),
            slice(int(places[0]), int(places[-1]) + 1) if row else places,
            starts,
            -limits,
            limits,
            chosen,
            still,
            settled,
        )

    def row(self, context: Context, words: Mapping[tuple[str, str], int]) -> NDArray[np.float64] | None:
        """The row of such a context; None where a value is not what the plan counts on."""
        try:
            values = array("d", self.numbers(context))
        except (TypeError, OverflowError):
            return None
        if not math.isfinite(sum(values)):
            return None
        row = self.still.copy()
        offsets = np.frombuffer(values)[: len(self.first)] - self.first
        row[self.places] = np.minimum(np.maximum(offsets, self.least), self.most)
        for name in self.words:
            word = context[name]
            if word.__class__ is not str:
                return None
            column = words.get((name, word))
            if column is not None:
                row[column] = 1.0
        return row
