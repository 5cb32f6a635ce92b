"""What another policy did on average, read off its own log: it knows no context but the position."""

from collections import Counter
from collections.abc import Sequence

from operators.evaluation.rows import Row
from schemas.errors import SetupError


class Shares:
    """How often each arm was chosen in a log, in each position by itself where its rows have a ``position``.

    For a policy whose probabilities moved, this is what it did on average over the time of that log.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.arms = tuple(sorted({row.arm for row in rows}))
        self._counts: dict[str, Counter[str]] = {}
        for row in rows:
            self._counts.setdefault(_position(row), Counter())[row.arm] += 1

    def of(self, row: Row) -> dict[str, float]:
        """Return the shares of the row's eligible arms; raises SetupError where none was ever chosen."""
        counts = self._counts.get(_position(row), Counter())
        total = sum(counts[arm] for arm in row.eligible)
        if total == 0:
            where = f" in position {_position(row)}" if _position(row) else ""
            raise SetupError(f"like must be a log of the same arms; it never chose one of a row's{where}")
        return {arm: counts[arm] / total for arm in row.eligible if counts[arm]}


def _position(row: Row) -> str:
    return str(row.context.get("position", ""))
