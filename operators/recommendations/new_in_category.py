"""Products that are new in a category: they are found before anybody has looked at them."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from operators.recommendations.learner import NOTHING, Context, Group, Scores, summed
from operators.recommendations.numbering import NONE, Numbering, slot_of, slots_of
from operators.state.array_table import ArrayTable
from operators.state.rows import StateRows

CATEGORIES: Final = 4096
"""The categories of which something was heard last."""
NEWEST: Final = 64
"""Of a category the newest so many products are kept."""


class NewInCategory:
    """The newest products of the categories of a context, the latest category first.

    Bounded by 5 bytes a product and 261 for each of ``CATEGORIES``.
    """

    def __init__(self, name: str, rows: StateRows, prefix: bytes, items: Numbering) -> None:
        self.name = name
        self._items = items
        self._categories = Numbering(rows, prefix + b"n", CATEGORIES)
        self._of_item = ArrayTable(rows, prefix + b"i", {"category": ("u4", 1)}, items.capacity)
        columns = {"items": ("u4", NEWEST), "count": ("u4", 1)}
        self._newest = ArrayTable(rows, prefix + b"c", columns, CATEGORIES)

    def describe(self, item: int, category: str) -> None:
        """Note the category of a product; where that is news, it is the newest there."""
        slot = slot_of(item)
        number, is_reused = self._categories.see(category)
        self._of_item.touch(slot)
        if self._of_item["category"][slot] == number:
            return
        self._of_item["category"][slot] = number
        place = slot_of(number)
        if is_reused:
            self._newest.clear(place)
        self._newest.touch(place)
        count = self._newest["count"]
        self._newest["items"][place, count[place] % NEWEST] = item
        count[place] += 1

    def learn(self, group: Group) -> None:
        """Learn nothing: it is told by ``describe``."""

    def forget(self, slot: int) -> None:
        """Forget the category of a product."""
        self._of_item.clear(slot)

    def scores(self, context: Context) -> Scores:
        """Return the newest products of the context's categories."""
        slots = slots_of(context.items)
        categories = self._of_item["category"][slots[slots < len(self._of_item)]]
        categories = categories[self._categories.known(categories)]
        if not len(categories):
            return NOTHING
        weights = np.arange(1.0, len(categories) + 1)
        places = slots_of(categories)
        items = self._newest["items"][places]
        ages = (self._newest["count"][places][:, None].astype(np.int64) - 1 - np.arange(NEWEST)) % NEWEST
        values = (weights[:, None] / (1.0 + ages)).ravel()
        items = items.ravel()
        known = self._items.known(items)
        return summed(items[known], values[known])

    def anchors(self, context: Context, items: Sequence[int]) -> list[int]:
        """Return for each candidate the latest product of the context in its category."""
        latest = {self._category_of(item): item for item in context.items.tolist()}
        return [latest.get(self._category_of(item), NONE) for item in items]

    def _category_of(self, item: int) -> int:
        slot = slot_of(item)
        return int(self._of_item["category"][slot]) if slot < len(self._of_item) else NONE
