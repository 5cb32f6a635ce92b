"""How often products are seen: usually and lately."""

import numpy as np
from numpy.typing import NDArray

from operators.recommendations.decay import decays
from operators.recommendations.numbering import Numbering, Numbers, slots_of
from operators.state.array_table import ArrayTable
from operators.state.rows import StateRows


class SeenCounts:
    """How often each product was seen, fading with a longer and with a shorter half-life.

    What is told late counts as of the latest before it. Bounded by 25 bytes a product.
    """

    def __init__(
        self, rows: StateRows, prefix: bytes, items: Numbering, usual_s: float, lately_s: float
    ) -> None:
        self.items = items
        self.usual_s, self.lately_s = usual_s, lately_s
        columns = {"usual": ("f8", 1), "lately": ("f8", 1), "at_s": ("f8", 1)}
        self._seen = ArrayTable(rows, prefix, columns, items.capacity)

    def add(self, items: Numbers, at_s: float) -> None:
        """Count distinct products."""
        slots, seen = slots_of(items), self._seen
        for slot in slots.tolist():
            seen.touch(slot)
        elapsed_s = at_s - seen["at_s"][slots]
        seen["usual"][slots] = seen["usual"][slots] * decays(elapsed_s, self.usual_s) + 1.0
        seen["lately"][slots] = seen["lately"][slots] * decays(elapsed_s, self.lately_s) + 1.0
        seen["at_s"][slots] = np.maximum(at_s, seen["at_s"][slots])

    def forget(self, slot: int) -> None:
        """Forget how often a product was seen."""
        self._seen.clear(slot)

    def lately(self, items: Numbers, at_s: float) -> NDArray[np.float64]:
        """Return how often products were seen lately, as of a time."""
        slots = slots_of(items)
        faded: NDArray[np.float64] = self._seen["lately"][slots]
        return faded * decays(at_s - self._seen["at_s"][slots], self.lately_s)

    def popularity(self, slots: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the logarithms to base 2 of the usual counts, as they would be at the same time.

        All counts fade alike, so these keys change only where a product is counted. Minus infinity is that of
        one that was never seen.
        """
        usual, _, at_s = self._columns(slots)
        return _log2(usual) + at_s / self.usual_s

    def trend(self, slots: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the same of the late counts times their ratio to the usual ones."""
        usual, lately, at_s = self._columns(slots)
        ratio = _log2(lately) - np.where(usual > 0, _log2(usual), 0.0)
        return ratio + _log2(lately) + at_s * (2.0 / self.lately_s - 1.0 / self.usual_s)

    def _columns(
        self, slots: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        seen = self._seen
        is_there = slots < len(seen)
        slots = np.minimum(slots, len(seen) - 1)
        return seen["usual"][slots] * is_there, seen["lately"][slots] * is_there, seen["at_s"][slots]


def _log2(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log2(x, out=np.full(len(x), -np.inf), where=x > 0)
