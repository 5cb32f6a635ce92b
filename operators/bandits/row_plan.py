"""The fast way from a context to a row: worked out once for all contexts with the same names."""

import struct
from collections.abc import Callable
from math import isfinite
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from operators.bandits.context import Context
from operators.bandits.feature_columns import FeatureColumns, shared_word


def getter(names: tuple[str, ...]) -> Callable[[Context], tuple[Any, ...]]:
    """Return what takes the values of these names out of a context, as a tuple."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda context: tuple([context[name] for name in names])


class RowPlan(NamedTuple):
    """What contexts with the same names have in common, as long as numbers stay numbers and text stays text.

    ``size`` is the number of names. ``numbers`` gets the numbers in the order of their columns, then those
    without a column; ``pack`` puts them into the bytes of a row that is zero elsewhere. The row is measured
    from ``first`` and clipped to ``least`` and ``most``. ``words`` are the text features with the columns of
    their values. ``whole``: the row reads every name. ``settled``: no name in the context, and none missing
    from it, still waits for a column.
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
    def of(cls, names: tuple[str, ...], columns: FeatureColumns, width: int) -> "RowPlan":
        """Return the plan for contexts of these names, with the columns as they are now."""
        there = [name for name in names if name in columns.first]
        numbered = [name for name in there if name in columns.numbers]
        moving = sorted(numbered, key=lambda name: columns.numbers[name])
        constant = [name for name in there if name not in columns.numbers]
        words: dict[str, dict[str, int]] = {}
        for (name, word), column in columns.words.items():
            words.setdefault(name, {})[word] = column
        chosen = tuple((name, words[name]) for name in names if name in words)
        first, most = np.zeros(width), np.full(width, np.inf)
        first[0] = -1.0
        for table, present in ((columns.present, True), (columns.absent, False)):
            for name, column in table.items():
                first[column] = -float((name in there) is present)
        form = ["8x"] * width
        for column, start, limit in (columns.numbers[name] for name in moving):
            first[column], most[column], form[column] = start, limit, "d"
        settled = not constant and len(moving) + len(chosen) == len(names)
        settled = settled and columns.first.keys() <= columns.present.keys() | columns.absent.keys() | set(
            there
        )
        return cls(
            len(names),
            getter((*moving, *constant)),
            struct.Struct("=" + "".join(form) + "d" * len(constant)).pack,
            first,
            -most,
            most,
            chosen,
            all(name in columns.first or name in words for name in names),
            settled,
        )

    def row(self, context: Context) -> NDArray[np.float64] | None:
        """Return the row of such a context; None where a name or a value is not as the plan expects."""
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
            if column is None:
                column = columns.get(shared_word(word))
            if column is not None:
                row[column] = 1.0
        return row
