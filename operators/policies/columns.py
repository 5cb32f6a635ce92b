"""Which column of a linear model a feature stands in; columns are added as features are first learned."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Context: TypeAlias = Mapping[str, Any]

widest: Final = 1e15


def number(value: object) -> float | None:
    """The value as a finite number, None where it is not one (text, None, NaN, infinity)."""
    if not isinstance(value, (float, int, Real)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


class Columns:
    """A growing map from features to columns; column 0 is the intercept.

    A lesson's row never changes when columns are added later, so what was learned stays exact: a number
    counts from the first value it was seen with (its column appears with its second value, the row of the
    first is zero there); a number that is missing at times has a column that says so; text has a column
    for each value. A feature that is missing, not finite or of another type adds nothing.

    Bounded by ``room`` columns and twice as many names; features first learned when it is full are ignored.
    """

    __slots__ = ("absent", "begun", "first", "numbers", "present", "room", "size", "words")

    def __init__(self, room: int) -> None:
        self.room = room
        self.size = 1
        self.begun = False
        self.first: dict[str, float] = {}
        self.numbers: dict[str, tuple[int, float, float]] = {}
        self.words: dict[tuple[str, str], int] = {}
        self.present: dict[str, int] = {}
        self.absent: dict[str, int] = {}

    def row(self, context: Context, width: int) -> NDArray[np.float64]:
        """The context as ``width`` numbers, zero beyond the columns in use."""
        row = [0.0] * width
        row[0] = 1.0
        numbers, words = self.numbers, self.words
        for name, value in context.items():
            if isinstance(value, str):
                if (column := words.get((name, value))) is not None:
                    row[column] = 1.0
            elif (known := numbers.get(name)) is not None:
                column, first, limit = known
                plain = value if value.__class__ is float else number(value)
                if plain is not None and -math.inf < plain < math.inf:
                    offset = plain - first
                    row[column] = offset if -limit <= offset <= limit else math.copysign(limit, offset)
        for table, missing in ((self.present, False), (self.absent, True)):
            for name, column in table.items():
                if (number(context.get(name)) is None) is missing:
                    row[column] = 1.0
        return np.array(row)

    def learn(self, context: Context) -> None:
        """Adds the columns this context needs."""
        for name, value in context.items():
            if isinstance(value, str):
                if (name, value) not in self.words:
                    self._add(self.words, (name, value), self.size)
            elif (plain := number(value)) is not None:
                self._learn_number(name, plain)
        for name in self.first:
            if name not in self.present and name not in self.absent and number(context.get(name)) is None:
                self._add(self.absent, name, self.size)
        self.begun = True

    def _learn_number(self, name: str, value: float) -> None:
        first = self.first.get(name)
        if first is None:
            if len(self.first) < 2 * self.room:
                self.first[name] = value
                if self.begun:
                    self._add(self.present, name, self.size)
        elif value != first and name not in self.numbers:
            self._add(self.numbers, name, (self.size, first, widest))

    def limit(self, name: str, most: float) -> None:
        """From now on the number counts as at most this far from where it was first seen."""
        column, first, _ = self.numbers[name]
        self.numbers[name] = (column, first, most)

    def _add(self, table: dict[Any, Any], key: object, entry: object) -> None:
        if self.size < self.room:
            table[key] = entry
            self.size += 1

    def state(self) -> tuple[Any, ...]:
        """All there is to know, in plain types."""
        words = [(name, word, column) for (name, word), column in self.words.items()]
        flags = (self.room, self.size, self.begun)
        return (*flags, self.first, self.numbers, words, self.present, self.absent)

    @classmethod
    def of(cls, state: tuple[Any, ...]) -> "Columns":
        """The columns whose ``state()`` this was."""
        self = cls(state[0])
        _, self.size, self.begun, self.first, numbers, words, present, absent = state
        self.numbers = {name: tuple(known) for name, known in numbers.items()}
        self.words = {(name, word): column for name, word, column in words}
        self.present, self.absent = present, absent
        return self
