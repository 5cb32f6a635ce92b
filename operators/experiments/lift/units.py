"""The units of an experiment as arrays, in the order of their first eligible moments."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Units(NamedTuple):
    """One row for each unit whose time is over: equally long arrays, ascending in ``at_s``.

    Attributes
    ----------
    at_s
        First eligible moment, in seconds.
    held_out
        Whether the unit was assigned to the holdout.
    share
        The probability of the holdout when it was assigned, above 0 and below 1.
    conversion
        1 if it ordered within its time, else 0.
    profit
        Profit within its time, in the market's currency.
    conflict
        Whether it turned out to be one person with a unit of the other group.
    """

    at_s: Floats
    held_out: Flags
    share: Floats
    conversion: Floats
    profit: Floats
    conflict: Flags

    def select(self, which: Flags | NDArray[np.intp]) -> Self:
        """Return some of the units: those whose flag is set, or those at some indices."""
        return self._replace(
            at_s=self.at_s[which],
            held_out=self.held_out[which],
            share=self.share[which],
            conversion=self.conversion[which],
            profit=self.profit[which],
            conflict=self.conflict[which],
        )
