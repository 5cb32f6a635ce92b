"""New products that are like others by a vector that the catalog gives: of their texts, or their images."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from operators.recommendations.learner import NOTHING, Context, Group, Scores, best
from operators.recommendations.numbering import NONE, Numbering, Numbers, slot_of, slots_of
from operators.state.array_table import ArrayTable
from operators.state.rows import StateRows

LONGEST: Final = 64
"""Vectors have at most so many components."""
NEWEST: Final = 1024
"""So many products that got a vector last are compared."""


class SimilarVectors:
    """The newest products by the cosine of their vectors with the mean of the context's.

    Vectors are compared as if zeros followed. Bounded by 257 bytes a product that has a vector.
    """

    def __init__(self, name: str, rows: StateRows, prefix: bytes, items: Numbering) -> None:
        self.name = name
        self._items = items
        self._vectors = ArrayTable(rows, prefix + b"v", {"vector": ("f4", LONGEST)}, items.capacity)
        self._newest = ArrayTable(rows, prefix + b"n", {"items": ("u4", NEWEST), "count": ("u4", 1)}, 1)

    def describe(self, item: int, vector: Sequence[float]) -> None:
        """Note the vector of a product; one without a direction is none."""
        given = np.zeros(LONGEST)
        given[: len(vector)] = vector
        length = float(np.sqrt(np.square(given).sum()))
        if not 0.0 < length < np.inf:
            return
        slot = slot_of(item)
        self._vectors.touch(slot)
        is_new = not self._vectors["vector"][slot].any()
        self._vectors["vector"][slot] = given / length
        if is_new:
            self._newest.touch(0)
            count = self._newest["count"]
            self._newest["items"][0, count[0] % NEWEST] = item
            count[0] += 1

    def learn(self, group: Group) -> None:
        """Learn nothing: it is told by ``describe``."""

    def forget(self, slot: int) -> None:
        """Forget the vector of a product."""
        self._vectors.clear(slot)

    def scores(self, context: Context) -> Scores:
        """Return the newest products that are like the context."""
        asked = self._of(context.items).sum(axis=0)
        if not asked.any():
            return NOTHING
        newest = self._newest["items"][0]
        newest = np.unique(newest[self._items.known(newest)])
        newest = newest[~np.isin(newest, context.items)]
        return best(newest, (self._of(newest) * asked).sum(axis=1, dtype=np.float64))

    def anchors(self, context: Context, items: Sequence[int]) -> list[int]:
        """Return for each candidate the product of the context that is most like it."""
        asked = self._of(context.items)
        found: list[int] = []
        for item in items:
            alike = (asked * self._of(np.array([item], dtype=np.uint32))).sum(axis=1)
            found.append(int(context.items[alike.argmax()]) if alike.any() else NONE)
        return found

    def _of(self, items: Numbers) -> NDArray[np.float32]:
        slots = slots_of(items)
        found: NDArray[np.float32] = self._vectors["vector"][np.minimum(slots, len(self._vectors) - 1)]
        return found * (slots < len(self._vectors))[:, None]
