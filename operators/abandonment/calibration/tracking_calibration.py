"""The last word on a probability: what was missed around it is made good, beyond what chance explains."""

from math import exp, log
from typing import Final

SMALL: Final = 0.01
"""What an outcome may be missed by, in the mean, before it is worth the order of the scores to mend it."""
TENTS: Final = 10
DOUBT: Final = 0.5
CERTAIN: Final = 3.0


class Tracking:
    """What was missed so far around each probability, made good one outcome at a time.

    Residuals are summed at 11 evenly spaced probabilities, each outcome shared by its two neighbours, and a
    probability's log-odds move by the sum beside it over a divisor: ``patience`` and half of what the sum may
    be by chance, or by missing each of the last ``memory`` outcomes by 0.01, squared; given up as the sum
    leaves that. So a forecaster that is right is hardly moved, and the order of its answers kept, most of
    all where one outcome is rare and moves cost most order and mend least; yet what is missed stays bounded
    however many outcomes there are: tracking in the sense of calibeating (Foster and Hart 2023; Gupta and
    Ramdas 2023) with a shrinkage like that of James and Stein (1961).
    """

    __slots__ = ("chance", "keep", "patience", "seen", "sums")

    def __init__(self, patience: float = 5.0, memory: float = 10_000.0) -> None:
        self.patience = patience
        self.keep = 1.0 - 1.0 / memory
        self.sums = [0.0] * (TENTS + 1)
        self.chance = [0.0] * (TENTS + 1)  # the variance of each sum, had every probability been right
        self.seen = [0.0] * (TENTS + 1)

    def __call__(self, p: float) -> float:
        """The corrected probability, strictly between 0 and 1 as ``p`` is."""
        left = int(p * TENTS)
        part = p * TENTS - left
        missed = (1.0 - part) * self.sums[left] + part * self.sums[left + 1]
        chance = (1.0 - part) * self.chance[left] + part * self.chance[left + 1]
        if not chance:
            return p
        small = SMALL * ((1.0 - part) * self.seen[left] + part * self.seen[left + 1])
        doubt = chance + small * small
        excess = missed * missed / (CERTAIN * doubt)
        shift = missed / (self.patience + DOUBT * doubt / (1.0 + excess * excess))
        times = exp(min(max(shift, -5.0), 5.0))
        return p * times / (1.0 - p + p * times)

    def learn(self, p: float, y: bool, w: float = 1.0) -> None:
        """Add what the corrected ``p`` missed."""
        left = int(p * TENTS)
        part = p * TENTS - left
        answer = self(p)
        missed, chance = w * (y - answer), w * answer * (1.0 - answer)
        self.sums[left] += (1.0 - part) * missed
        self.sums[left + 1] += part * missed
        for sums, more in ((self.chance, chance), (self.seen, w)):
            sums[:] = [self.keep * value for value in sums]
            sums[left] += (1.0 - part) * more
            sums[left + 1] += part * more


def odds(p: float) -> float:
    """The log-odds of a probability strictly between 0 and 1."""
    return log(p / (1.0 - p))
