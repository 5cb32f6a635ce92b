"""What another policy did on average, estimated from its own log; the only context is the position."""

from collections import Counter
from collections.abc import Sequence

from operators.evaluation.row import Row
from schemas.errors import SetupError


class EmpiricalPolicy:
    """Chooses each arm as often as a log did, in each position separately where its rows have a ``position``.

    For a policy whose probabilities moved, this is its average over the time of that log.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.arms = tuple(sorted({row.arm for row in rows}))
        self._counts: dict[str, Counter[str]] = {}
        for row in rows:
            self._counts.setdefault(_position(row), Counter())[row.arm] += 1

    def probabilities(self, row: Row) -> dict[str, float]:
        """Return the probabilities of the row's eligible arms; SetupError where none was ever chosen."""
        counts = self._counts.get(_position(row), Counter())
        total = sum(counts[arm] for arm in row.eligible)
        if total == 0:
            where = f" in position {_position(row)}" if _position(row) else ""
            raise SetupError(f"like must be a log of the same arms; it never chose one of a row's{where}")
        return {arm: counts[arm] / total for arm in row.eligible if counts[arm]}


def _position(row: Row) -> str:
    return str(row.context.get("position", ""))
