"""When the prior is refitted, and how much an older update still counts."""

from typing import Final

import numpy as np

BLOCK: Final = 32
"""Updates decay in blocks of so many, which costs less than at each and changes their weight by little."""


class RefitSchedule:
    """Counts updates; the prior is refitted when they have grown by half, or by a quarter of their half-life.

    Parameters
    ----------
    decay
        What an update counts after one more, above 0 and at most 1.

    Attributes
    ----------
    updates
        Updates so far.
    refitted
        Updates at the last refit.
    due
        Updates at the next refit.
    """

    __slots__ = ("decay", "due", "refitted", "updates")

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.refit()

    def refit(self) -> None:
        """Record a refit and schedule the next one."""
        half_life = np.log(0.5) / np.log(self.decay) if self.decay < 1.0 else np.inf
        self.refitted = self.updates
        self.due = self.updates + int(max(1.0, min(self.updates / 2, half_life / 4.0)))

    def weight(self, update: int, at: int) -> float:
        """Return what update number ``update`` counts after ``at`` updates."""
        return self.decay ** (BLOCK * (at // BLOCK - update // BLOCK))

    def weight_of_refit(self) -> float:
        """Return what the updates and the prior of the last refit count by now."""
        return self.weight(self.refitted, self.updates)
