"""Whether a figure that was sampled over hours grows: the Theil-Sen slope and what can be said against it.

The slope is the median of the slopes of all pairs of samples, which a fifth of odd samples cannot move (Theil
1950, Sen 1968); its interval counts the pairs that agree. A figure grows where even the lower end of the
interval of 95 % is more than is allowed. Samples that follow each other are alike, which makes the interval
too narrow, so what is compared are the medians of ``BLOCKS`` stretches of time.
"""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from scipy.stats import theilslopes

BLOCKS = 16
FEWEST = 6
HOUR_S = 3600.0


class Slope(NamedTuple):
    """How much a figure grows in an hour, as a share of its median, with the interval of 95 %."""

    median: float
    least: float
    growth: float
    most: float
    blocks: int

    def grows(self, allowed: float) -> bool:
        """Whether it is all but certain that it grows by more than this share an hour."""
        return self.least > allowed

    @property
    def is_known(self) -> bool:
        """Whether there was enough to judge."""
        return self.blocks >= FEWEST


def slope(samples: Sequence[tuple[float, float]], blocks: int = BLOCKS) -> Slope:
    """The slope of samples, (seconds, value) each."""
    if len(samples) < FEWEST:
        return Slope(statistics.median(value for _, value in samples) if samples else 0.0, 0.0, 0.0, 0.0, 0)
    times, values = zip(*_medians(sorted(samples), blocks), strict=True)
    middle = statistics.median(values)
    if middle == 0:
        return Slope(0.0, 0.0, 0.0, 0.0, len(times))
    found = theilslopes(values, times, 0.95)
    a_share = HOUR_S / middle
    return Slope(middle, found[2] * a_share, found[0] * a_share, found[3] * a_share, len(times))


def _medians(samples: Sequence[tuple[float, float]], blocks: int) -> list[tuple[float, float]]:
    """The median time and value of so many stretches of time; the samples themselves if they are fewer."""
    if len(samples) <= blocks:
        return list(samples)
    began, length = samples[0][0], (samples[-1][0] - samples[0][0]) / blocks or 1.0
    stretches: dict[int, list[tuple[float, float]]] = {}
    for at_s, value in samples:
        stretches.setdefault(min(int((at_s - began) / length), blocks - 1), []).append((at_s, value))
    return [
        (statistics.median(at_s for at_s, _ in each), statistics.median(value for _, value in each))
        for each in stretches.values()
    ]
