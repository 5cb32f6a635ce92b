"""What is bought or looked at most."""

from collections.abc import Sequence

import numpy as np

from operators.recommendations.leaders import Leaders
from operators.recommendations.learner import Context, Group, Scores
from operators.recommendations.numbering import NONE
from operators.recommendations.seen_counts import SeenCounts


class Popular:
    """The products seen most, whatever the context. It is the learner that fills ``SeenCounts``."""

    def __init__(self, name: str, counts: SeenCounts) -> None:
        self.name = name
        self._counts = counts
        self._leaders = Leaders(counts.items, counts.popularity)

    def learn(self, group: Group) -> None:
        """Count the products of a group."""
        self._counts.add(group.items, group.at_s)
        self._leaders.changed(group.items)

    def forget(self, slot: int) -> None:
        """Forget how often a product was seen."""
        self._counts.forget(slot)
        self._leaders.forget(slot)

    def scores(self, context: Context) -> Scores:
        """Return the products seen most."""
        del context
        items, keys = self._leaders.best()
        return Scores(items, np.exp2(keys - keys[:1]))

    def anchors(self, context: Context, items: Sequence[int]) -> list[int]:
        """Return ``NONE`` for each."""
        del context
        return [NONE] * len(items)
