"""Rows made fast: how contexts of the same names become numbers, worked out once for all of them."""

import struct
from collections.abc import Callable, Mapping
from math import isfinite
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
    return result if isfinite(result) else None


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

    ``size`` is how many names they have. ``numbers`` are in the order of their columns, then those without a
    column; ``pack`` puts them into the bytes of a row that is zero elsewhere. The row is counted from
    ``first``, within ``least`` and ``most``. ``whole``: the row reads each of the names. ``settled``: no name
    in it, and none missing, is without its column.
    """

    size: int
    numbers: Callable[[Context], tuple[Any, ...]]
    pack: Callable[..., bytes]
    first: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]
    words: tuple[tuple[str, dict[str, int]], ...]
    whole: bool
    settled: bool

    @classmethod
    def of(cls, names: tuple[str, ...], tables: Tables, width: int) -> "Plan":
        """The plan for contexts of these names, as the columns are now."""
        there = [name for name in names if name in tables.first]
        numbered = [name for name in there if name in tables.numbers]
        moving = sorted(numbered, key=lambda name: tables.numbers[name])
        constant = [name for name in there if name not in tables.numbers]
        words: dict[str, dict[str, int]] = {}
        for (name, word), column in tables.words.items():
            words.setdefault(name, {})[word] = column
        chosen = tuple((name, words[name]) for name in names if name in words)
        first, most = np.zeros(width), np.full(width, np.inf)
        first[0] = -1.0
        for table, present in ((tables.present, True), (tables.absent, False)):
            for name, column in table.items():
                first[column] = -float((name in there) is present)
        form = ["8x"] * width
        for column, start, limit in (tables.numbers[name] for name in moving):
            first[column], most[column], form[column] = start, limit, "d"
        settled = not constant and len(moving) + len(chosen) == len(names)
        settled = settled and tables.first.keys() <= tables.present.keys() | tables.absent.keys() | set(there)
        return cls(
            len(names),
            getter((*moving, *constant)),
            struct.Struct("=" + "".join(form) + "d" * len(constant)).pack,
            first,
            -most,
            most,
            chosen,
            all(name in tables.first or name in words for name in names),
            settled,
        )

    def row(self, context: Context) -> NDArray[np.float64] | None:
        """The row of such a context; None where a name or a value is not what the plan counts on."""
        try:
            values = self.numbers(context)
            packed = self.pack(*values)
            if not isfinite(sum(values)):
                return None
        except (KeyError, TypeError, OverflowError, struct.error):
            return None
        row = np.frombuffer(packed, np.float64, len(self.first)) - self.first
        row.clip(self.least, self.most, row)
        for name, columns in self.words:
            word = context.get(name)
            if word.__class__ is not str:
                return None
            column = columns.get(word)
            if column is not None:
                row[column] = 1.0
        return row
