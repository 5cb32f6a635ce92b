"""What is known of one number: how often it was there, and its running mean and deviation."""

from math import log1p, sqrt
from typing import Any, Final

GREATEST: Final = 1e100
"""What is larger counts as this, so that its square is still a number."""
BINS: Final = 14
"""Half a deviation wide each; the last holds what lies beyond them."""
LEAST_VARIANCE: Final = 1e-18
"""A number with less than this counts as constant."""


def signed_log1p(value: float) -> float:
    """A number with its heavy tail drawn in: log1p of its size, with its sign.

    >>> signed_log1p(-3.0) == -signed_log1p(3.0)
    True
    """
    return log1p(value) if value >= 0 else -log1p(-value)


class NumberStatistics:
    """Mean, variance and scale of a number under the signed log and, as ``raw_``, as it is.

    A scale is one over the standard deviation, 0 while the number never changed. Means are exact up to
    ``memory`` values and follow the last ``memory`` from there. ``difference_name``, ``presence_name`` and
    ``bin_names`` are the names of the features made of it beside its own, kept since building them for every
    prediction would take longer than looking up their weights; a snapshot has only what they follow from.

    Not River's ``EWMean`` and ``EWVar``, whose rate is fixed: with this memory the first value still makes up
    0.61 of the mean after 10,000.
    """

    __slots__ = (
        *("name", "count", "mean", "variance", "raw_mean", "raw_variance"),
        *("scale", "raw_scale", "difference_name", "presence_name", "bin_names"),
    )

    def __init__(self, name: str, value: float) -> None:
        self.name = name
        self.count = 1
        self.mean, self.variance = signed_log1p(value), 0.0
        self.raw_mean, self.raw_variance = clipped(value), 0.0
        self._derive()

    def _derive(self) -> None:
        self.scale, self.raw_scale = scale_of(self.variance), scale_of(self.raw_variance)
        self.difference_name, self.presence_name = f"{self.name}~", f"{self.name}?"
        self.bin_names = [f"{self.name}:{place}" for place in range(BINS + 1)]

    def update(self, value: float, logged: float, memory: float) -> None:
        """Learn from a finite value; ``logged`` is its signed log."""
        self.count = count = self.count + 1
        rate = 1.0 / count if count < memory else 1.0 / memory
        change = logged - self.mean
        self.mean += rate * change
        self.variance = variance = (1.0 - rate) * (self.variance + rate * change * change)
        self.scale = 1.0 / sqrt(variance) if variance > LEAST_VARIANCE else 0.0
        change = (value if -GREATEST < value < GREATEST else clipped(value)) - self.raw_mean
        self.raw_mean += rate * change
        self.raw_variance = variance = (1.0 - rate) * (self.raw_variance + rate * change * change)
        self.raw_scale = 1.0 / sqrt(variance) if variance > LEAST_VARIANCE else 0.0

    def __getstate__(self) -> tuple[Any, ...]:
        """What the rest follows from."""
        return self.name, self.count, self.mean, self.variance, self.raw_mean, self.raw_variance

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Take up the state, and derive the rest."""
        self.name, self.count, self.mean, self.variance, self.raw_mean, self.raw_variance = state
        self._derive()


def clipped(value: float) -> float:
    """The number, between -1e100 and 1e100."""
    return min(max(value, -GREATEST), GREATEST)


def scale_of(variance: float) -> float:
    """One over the standard deviation, 0 for a number that counts as constant."""
    return 1.0 / sqrt(variance) if variance > LEAST_VARIANCE else 0.0
