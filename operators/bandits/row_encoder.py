"""Contexts as rows of numbers for the linear models."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from operators.bandits.context import Context, finite_number
from operators.bandits.feature_columns import FeatureColumns, shared_word
from operators.bandits.row_plan import RowPlan

MAX_PLANS: Final = 64
"""Shops send few combinations of names; contexts beyond so many are encoded feature by feature."""


class RowEncoder:
    """Encodes contexts by the columns of their features, and has columns learn new features.

    A plan is kept for each combination of names until the columns change. Bounded by ``MAX_PLANS`` plans and
    by the columns.
    """

    __slots__ = ("columns", "latest", "plans")

    def __init__(self, columns: FeatureColumns) -> None:
        self.columns = columns
        self.plans: dict[tuple[str, ...], RowPlan] = {}
        self.latest: RowPlan | None = None

    def row(self, context: Context, width: int) -> NDArray[np.float64]:
        """Return the context as ``width`` numbers, zero beyond the columns in use."""
        plan = self.latest
        if plan is not None and context.__class__ is dict and len(context) == plan.size:
            # a plan that finds as many names as the context has finds all of them
            found = plan.row(context)
            if found is not None and len(found) == width:
                return found
        plan = self._plan(context, width)
        found = None if plan is None else plan.row(context)
        return found if found is not None else self.slow_row(context, width)

    def settled_row(self, context: Context, width: int) -> NDArray[np.float64] | None:
        """Return the row of a context that has nothing new to learn, None where that is not obvious."""
        plan = self._plan(context, width)
        if plan is None or not plan.settled:
            return None
        row = plan.row(context)
        known = row is not None and all(
            context[name] in columns or shared_word(context[name]) in columns for name, columns in plan.words
        )
        return row if known else None

    def slow_row(self, context: Context, width: int) -> NDArray[np.float64]:
        """Return the same as ``row``, feature by feature."""
        row = [0.0] * width
        row[0] = 1.0
        numbers, words = self.columns.numbers, self.columns.words
        for name, value in context.items():
            if isinstance(value, str):
                column = words.get((name, value))
                if column is None:
                    column = words.get((name, shared_word(value)))
                if column is not None:
                    row[column] = 1.0
            elif (known := numbers.get(name)) is not None:
                column, first, limit = known
                if (number := finite_number(value)) is not None:
                    row[column] = min(max(number - first, -limit), limit)
        for table, missing in ((self.columns.present, False), (self.columns.absent, True)):
            for name, column in table.items():
                if (finite_number(context.get(name)) is None) is missing:
                    row[column] = 1.0
        return np.array(row)

    def learn(self, context: Context) -> None:
        """Add the columns that this context needs."""
        if self.columns.learn(context):
            self._forget_plans()

    def limit(self, name: str, most: float) -> None:
        """Count the number as at most ``most`` away from its first value from now on."""
        self.columns.limit(name, most)
        self._forget_plans()

    def _plan(self, context: Context, width: int) -> RowPlan | None:
        plan = self.plans.get(names := tuple(context))
        if plan is None:
            if len(self.plans) >= MAX_PLANS:
                return None
            plan = self.plans[names] = RowPlan.of(names, self.columns, width)
        if len(plan.first) != width:
            return None
        self.latest = plan if plan.whole else None
        return plan

    def _forget_plans(self) -> None:
        self.plans.clear()
        self.latest = None

    def state(self) -> tuple[Any, ...]:
        """Return everything but the plans in plain types."""
        return self.columns.state()

    @classmethod
    def restored(cls, state: tuple[Any, ...]) -> "RowEncoder":
        """Return the encoder that gave this ``state()``."""
        return cls(FeatureColumns.restored(state))
