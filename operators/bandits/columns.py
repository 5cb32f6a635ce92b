"""Which column of a linear model a feature stands in; columns are added as features are first learned."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from operators.bandits.plans import Context, Plan, Tables, number

widest: Final = 1e15
most_plans: Final = 64


class Columns:
    """A growing map from features to columns; column 0 is the intercept.

    A lesson's row never changes when columns are added later, so what was learned stays exact: a number
    counts from the first value it was seen with (its column appears with its second value, the row of the
    first is zero there); a number that is missing at times has a column that says so; text has a column
    for each value. A feature that is missing, not finite or of another type adds nothing.

    Bounded by ``room`` columns and twice as many names; features first learned when it is full are ignored.
    """

    __slots__ = (
        "absent",
        "begun",
        "first",
        "latest",
        "names",
        "numbers",
        "owners",
        "plans",
        "present",
        "room",
        "size",
        "words",
    )

    def __init__(self, room: int) -> None:
        self.room = room
        self.size = 1
        self.begun = False
        self.first: dict[str, float] = {}
        self.numbers: dict[str, tuple[int, float, float]] = {}
        self.words: dict[tuple[str, str], int] = {}
        self.present: dict[str, int] = {}
        self.absent: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.owners = [0]
        self.plans: dict[tuple[str, ...], Plan] = {}
        self.latest: Plan | None = None

    def groups(self, width: int) -> NDArray[np.intp]:
        """The number of the feature that each of ``width`` columns is of; 0 is for the intercept or none."""
        return np.array(self.owners + [0] * (width - self.size), dtype=np.intp)

    def row(self, context: Context, width: int) -> NDArray[np.float64]:
        """The context as ``width`` numbers, zero beyond the columns in use."""
        plan = self.latest
        if plan is not None and context.__class__ is dict and len(context) == plan.size:
            # a plan that finds as many names as the context has finds all of them
            found = plan.row(context)
            if found is not None and len(found) == width:
                return found
        plan = self._plan(context, width)
        found = None if plan is None else plan.row(context)
        return found if found is not None else self._any_row(context, width)

    def settled_row(self, context: Context, width: int) -> NDArray[np.float64] | None:
        """The row of a context that has nothing new, as far as a glance tells; else None."""
        plan = self._plan(context, width)
        if plan is None or not plan.settled:
            return None
        row = plan.row(context)
        known = row is not None and all(context[name] in columns for name, columns in plan.words)
        return row if known else None

    def _plan(self, context: Context, width: int) -> Plan | None:
        plan = self.plans.get(names := tuple(context))
        if plan is None:
            if len(self.plans) >= most_plans:
                return None
            tables = Tables(self.first, self.numbers, self.words, self.present, self.absent)
            plan = self.plans[names] = Plan.of(names, tables, width)
        if len(plan.first) != width:
            return None
        self.latest = plan if plan.whole else None
        return plan

    def _any_row(self, context: Context, width: int) -> NDArray[np.float64]:
        row = [0.0] * width
        row[0] = 1.0
        numbers, words = self.numbers, self.words
        for name, value in context.items():
            if isinstance(value, str):
                if (column := words.get((name, value))) is not None:
                    row[column] = 1.0
            elif (known := numbers.get(name)) is not None:
                column, first, limit = known
                if (plain := number(value)) is not None:
                    row[column] = min(max(plain - first, -limit), limit)
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
                self._plan_anew()
                if self.begun:
                    self._add(self.present, name, self.size)
        elif value != first and name not in self.numbers:
            self._add(self.numbers, name, (self.size, first, widest))

    def limit(self, name: str, most: float) -> None:
        """From now on the number counts as at most this far from where it was first seen."""
        column, first, _ = self.numbers[name]
        self.numbers[name] = (column, first, most)
        self._plan_anew()

    def _plan_anew(self) -> None:
        self.plans.clear()
        self.latest = None

    def _add(self, table: dict[Any, Any], key: str | tuple[str, str], entry: object) -> None:
        if self.size < self.room:
            table[key] = entry
            self.size += 1
            self._plan_anew()
            name = key if isinstance(key, str) else key[0]
            self.owners.append(self.names.setdefault(name, len(self.names) + 1))

    def state(self) -> tuple[Any, ...]:
        """All there is to know, in plain types."""
        words = [(name, word, column) for (name, word), column in self.words.items()]
        flags = (self.room, self.size, self.begun)
        return (*flags, self.first, self.numbers, words, self.present, self.absent, self.names, self.owners)

    @classmethod
    def of(cls, state: tuple[Any, ...]) -> "Columns":
        """The columns whose ``state()`` this was."""
        self = cls(state[0])
        _, self.size, self.begun, self.first, numbers, words, present, absent, names, owners = state
        self.numbers = {name: tuple(known) for name, known in numbers.items()}
        self.words = {(name, word): column for name, word, column in words}
        self.present, self.absent = present, absent
        self.names, self.owners = names, owners
        return self
