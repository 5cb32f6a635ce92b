"""Whether as many units are held out as should be: a sample-ratio check that may be looked at any time."""

from typing import Final

import msgspec

from operators.experiments.lift import balance
from operators.streaming.ids import share_of

SIZE: Final = 1000


class Balance(msgspec.Struct, array_like=True):
    """A sample of distinct units, users or visitors, and which of them were assigned to the holdout.

    Kept are those whose hash is least (a bottom-k sketch: Cohen, Kaplan, 2007, "Summarizing data using
    bottom-k sketches"): however often somebody comes, on however many devices, it counts once, and everybody
    is as likely to be kept. Holdout visitors come to more decisions than others, so decisions cannot be
    counted; nor can who gets no offers, since the holdout wins where a visitor turns out to be a user of the
    other group. Bounded by ``size``.
    """

    size: int = SIZE
    kept: dict[int, bool] = {}
    greatest: int = -1

    def saw(self, unit: str, *, holdout: bool) -> None:
        """Note a unit and its assignment."""
        place = int(share_of("balance", unit) * 2**53)
        if len(self.kept) >= self.size:
            if place >= self.greatest or place in self.kept:
                return
            del self.kept[self.greatest]
        self.kept[place] = holdout
        self.greatest = max(self.kept) if len(self.kept) >= self.size else -1

    @property
    def share(self) -> float | None:
        """The share of units held out; None before the first."""
        return sum(self.kept.values()) / len(self.kept) if self.kept else None

    def p_value(self, expected: float) -> float:
        """How well the sample fits the expected share: a p-value that may be looked at any time.

        That of ``operators.experiments.lift.sample_ratio``: a martingale while the sample grows; a full one
        hardly changes any more.
        """
        held, size = sum(self.kept.values()), len(self.kept)
        if not 0.0 < expected < 1.0:
            return float(held == expected * size)
        return balance(held, size, expected).p_value
