"""Products of recent visits, or orders, that are like this one: VS-kNN over an index."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from operators.recommendations.learner import NOTHING, Context, Group, Scores, summed, sums
from operators.recommendations.numbering import NONE, Numbering, Numbers, slot_of, slots_of
from operators.state.array_table import ArrayTable
from operators.state.rows import StateRows

ITEMS_KEPT: Final = 16
"""Of a group the last so many products are kept."""
GROUPS_OF_AN_ITEM: Final = 128
"""Of a product the last so many groups are kept."""
ITEMS_ASKED: Final = 10
"""Of a context the last so many products are looked up."""
NEIGHBOURS: Final = 100
"""So many groups, those most alike and of these the latest, vote."""
LEAST_VOTE: Final = 0.05


class SessionNeighbours:
    """Groups that share products with a context vote for all of theirs (VS-kNN: Ludewig and Jannach, 2018).

    A later product of the context counts more, and a group votes with less the further back the latest
    product lies that it shares. The index is that of Serenade (Kersbergen, Sprangers and Schelter, 2022):
    each product has the numbers of its last groups, and a ring has the products of the last ``groups``.
    Bounded by 517 bytes a product and 69 a group.
    """

    def __init__(self, name: str, rows: StateRows, prefix: bytes, items: Numbering, groups: int) -> None:
        self.name = name
        self._items = items
        index = {"groups": ("u4", GROUPS_OF_AN_ITEM), "count": ("u4", 1)}
        self._index = ArrayTable(rows, prefix + b"i", index, items.capacity)
        ring = {"items": ("u4", ITEMS_KEPT), "number": ("u4", 1)}
        self._ring = ArrayTable(rows, prefix + b"r", ring, groups)

    def learn(self, group: Group) -> None:
        """Keep a group in place of the oldest."""
        number, index, ring = group.number, self._index, self._ring
        kept = group.items[-ITEMS_KEPT:]
        row = number % ring.capacity
        ring.clear(row)
        ring.touch(row)
        ring["items"][row, : len(kept)] = kept
        ring["number"][row] = number
        for item in kept.tolist():
            slot = slot_of(item)
            index.touch(slot)
            count = index["count"]
            index["groups"][slot, count[slot] % GROUPS_OF_AN_ITEM] = number
            count[slot] += 1

    def forget(self, slot: int) -> None:
        """Forget in which groups a product was."""
        self._index.clear(slot)

    def scores(self, context: Context) -> Scores:
        """Return the products for which the groups most alike vote."""
        asked, groups, alike = self._neighbours(context)
        if not len(groups):
            return NOTHING
        baskets = self._ring["items"][groups % np.uint32(self._ring.capacity)]
        values = np.repeat(alike * _nearness(asked, baskets), ITEMS_KEPT)
        voted = baskets.ravel()
        known = self._items.known(voted)
        return summed(voted[known], values[known])

    def anchors(self, context: Context, items: Sequence[int]) -> list[int]:
        """Return for each candidate the latest product that a neighbour with it shares with the context."""
        asked, groups, _ = self._neighbours(context)
        baskets = self._ring["items"][groups % np.uint32(self._ring.capacity)]
        shares = (baskets[:, :, None] == asked[::-1]).any(axis=1)
        found: list[int] = []
        for item in items:
            shared = shares[(baskets == item).any(axis=1)].any(axis=0) & (asked[::-1] != item)
            found.append(int(asked[::-1][shared.argmax()]) if shared.any() else NONE)
        return found

    def _neighbours(self, context: Context) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
        """Return what was asked for, the groups most alike, and how much they are."""
        asked = context.items[-ITEMS_ASKED:]
        slots = slots_of(asked)
        asked, slots = asked[slots < len(self._index)], slots[slots < len(self._index)]
        found = self._index["groups"][slots].ravel()
        weights = np.repeat(np.arange(1, len(slots) + 1) / max(len(slots), 1), GROUPS_OF_AN_ITEM)
        rows = np.minimum(found % np.uint32(self._ring.capacity), np.uint32(len(self._ring) - 1))
        is_kept = (found != 0) & (self._ring["number"][rows] == found)
        groups, places = np.unique(found[is_kept], return_inverse=True)
        alike = sums(places, weights[is_kept], len(groups))
        if len(groups) > NEIGHBOURS:
            nearest = np.lexsort((-groups.astype(np.int64), -alike))[:NEIGHBOURS]
            groups, alike = groups[nearest], alike[nearest]
        return asked, groups, alike


def _nearness(asked: Numbers, baskets: Numbers) -> NDArray[np.float64]:
    """Return what the votes of groups weigh by the latest product that they share with a context."""
    weights = np.full(len(baskets), LEAST_VOTE)
    for step, item in enumerate(asked.tolist()):
        back = len(asked) - step
        weights[(baskets == item).any(axis=1)] = max(1.0 - back / ITEMS_ASKED, LEAST_VOTE)
    return weights
