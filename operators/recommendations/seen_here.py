"""What was looked at in this very visit: shoppers come back to it."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from operators.recommendations.learner import MOST_CANDIDATES, Context, Group, Scores
from operators.recommendations.numbering import NONE

FADES: Final = 0.8


class SeenHere:
    """The products of the context, the latest first. It learns nothing and takes no memory."""

    def __init__(self, name: str) -> None:
        self.name = name

    def learn(self, group: Group) -> None:
        """Learn nothing."""

    def forget(self, slot: int) -> None:
        """Forget nothing."""

    def scores(self, context: Context) -> Scores:
        """Return the products of the context."""
        items = context.all_items[::-1][:MOST_CANDIDATES]
        return Scores(items, np.power(FADES, np.arange(len(items), dtype=np.float64)))

    def anchors(self, context: Context, items: Sequence[int]) -> list[int]:
        """Return ``NONE`` for each: the candidates themselves are the reason."""
        del context
        return [NONE] * len(items)
