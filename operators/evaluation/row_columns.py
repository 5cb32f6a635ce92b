"""Rows in flat columns, a fraction of the size of the rows as objects."""

from array import array
from typing import Any

from operators.evaluation.distinct_values import DistinctValues
from operators.evaluation.mapping_columns import MappingColumns
from operators.evaluation.row import Row


class RowColumns:
    """The fields of rows: 36 bytes a row, its time, and what ``MappingColumns`` keeps of its mappings.

    Arms, visitors and sets of eligible arms are kept once. Bounded by the rows added.
    """

    def __init__(self) -> None:
        self.arms: DistinctValues[str] = DistinctValues()
        self.visitors: DistinctValues[str] = DistinctValues()
        self.choices: DistinctValues[tuple[str, ...]] = DistinctValues()
        self.arm, self.visitor, self.choice = array("I"), array("I"), array("I")
        self.propensity, self.reward = array("d"), array("d")
        self.at: list[Any] = []
        self.contexts, self.logging, self.policies = MappingColumns(), MappingColumns(), MappingColumns()
        self.surcharges = MappingColumns()

    def append(self, row: Row) -> None:
        """Add a row."""
        self.arm.append(self.arms.index(row.arm))
        self.visitor.append(self.visitors.index(row.visitor))
        self.choice.append(self.choices.index(row.eligible))
        self.propensity.append(row.propensity)
        self.reward.append(row.reward)
        self.at.append(row.at)
        self.contexts.append(row.context)
        self.logging.append(row.logging or {})
        self.policies.append(
            {(name, arm): p for name, arms in row.policies.items() for arm, p in arms.items()}
        )
        self.surcharges.append(row.surcharges)

    def close(self) -> None:
        """Make the columns as small as possible; nothing can be added after that."""
        for each in (self.contexts, self.logging, self.policies, self.surcharges):
            each.close()

    def row(self, place: int) -> Row:
        """Return a row as it was added, but for context values that ``MappingColumns`` drops."""
        policies: dict[str, dict[str, float]] = {}
        for (name, arm), probability in self.policies[place].items():
            policies.setdefault(name, {})[arm] = probability
        return Row(
            self.arms.values[self.arm[place]],
            self.propensity[place],
            self.reward[place],
            self.visitors.values[self.visitor[place]],
            self.choices.values[self.choice[place]],
            self.contexts[place],
            self.at[place],
            self.logging[place] or None,
            policies,
            self.surcharges[place],
        )
