"""A bounded sample of the units of an experiment, for an anytime-valid check of the sample ratio."""

from bisect import insort
from functools import cached_property
from typing import Final

import msgspec

from operators.experiments.lift import sample_ratio_test
from operators.streaming.ids import share_of

SIZE: Final = 1000


class UnitSketch(msgspec.Struct, array_like=True, dict=True):
    """A sample of distinct units, users or visitors, and which of them were assigned to the holdout.

    It keeps the units with the smallest hashes (a bottom-k sketch: Cohen, Kaplan, 2007, "Summarizing data
    using bottom-k sketches"): a unit counts once, however often and on however many devices it comes, and
    every unit is equally likely to be kept. Decisions cannot be counted instead, since held-out visitors come
    to more of them; nor can units without offers, since they are more than the holdout: offers end for both
    where a visitor and a user of different groups turn out to be one person. Bounded by ``size``.

    Attributes
    ----------
    size
        The greatest number of units.
    kept
        Whether each unit is in the holdout, by its hash.
    greatest
        The greatest hash once there are ``size`` units, -1 before.
    """

    size: int = SIZE
    kept: dict[int, bool] = {}
    greatest: int = -1

    def observe(self, unit: str, *, holdout: bool) -> None:
        """Count a unit with its assignment."""
        place, kept = int(share_of("balance", unit) * 2**53), self.kept
        if len(kept) < self.size:
            kept[place] = holdout
            if len(kept) == self.size:
                self.greatest = max(kept)
        elif place < self.greatest and place not in kept:
            in_order = self._in_order
            del kept[in_order.pop()]
            insort(in_order, place)
            kept[place] = holdout
            self.greatest = in_order[-1]

    @cached_property
    def _in_order(self) -> list[int]:
        """All hashes, the smallest first; of use once there are ``size``."""
        return sorted(self.kept)

    @property
    def share(self) -> float | None:
        """The share of units in the holdout; None before the first unit."""
        return sum(self.kept.values()) / len(self.kept) if self.kept else None

    def p_value(self, expected: float) -> float:
        """Return the anytime-valid p-value of the hypothesis that the holdout has the expected share.

        It is that of ``sample_ratio_test``: a martingale while the sample grows; a full sample hardly changes
        any more. With an expected share of 0 or 1 it is 1 where all units are as expected, else 0.
        """
        held, size = sum(self.kept.values()), len(self.kept)
        if not 0.0 < expected < 1.0:
            return float(held == expected * size)
        return sample_ratio_test(held, size, expected).p_value
