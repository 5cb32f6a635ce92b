"""What is bought or looked at more than usual."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from operators.recommendations.leaders import Leaders
from operators.recommendations.learner import Context, Group, Scores
from operators.recommendations.numbering import NONE
from operators.recommendations.seen_counts import SeenCounts

LEAST_SEEN: Final = 3.0
"""What trends was seen at least so often lately."""


class Trending:
    """The products whose late count stands out from their usual one, whatever the context.

    It reads the ``SeenCounts`` that ``Popular`` fills, which has to learn before it.
    """

    def __init__(self, name: str, counts: SeenCounts) -> None:
        self.name = name
        self._counts = counts
        self._leaders = Leaders(counts.items, counts.trend)

    def learn(self, group: Group) -> None:
        """Note that the products of a group were counted."""
        self._leaders.changed(group.items)

    def forget(self, slot: int) -> None:
        """Forget that a product trends."""
        self._leaders.forget(slot)

    def scores(self, context: Context) -> Scores:
        """Return the products that trend."""
        items, keys = self._leaders.best()
        is_seen = self._counts.lately(items, context.at_s) >= LEAST_SEEN
        items, keys = items[is_seen], keys[is_seen]
        return Scores(items, np.exp2(keys - keys[:1]))

    def anchors(self, context: Context, items: Sequence[int]) -> list[int]:
        """Return ``NONE`` for each."""
        del context
        return [NONE] * len(items)
