"""Range, mean and variance of the features."""

from typing import Any, Final

import numpy as np

from operators.bandits.feature_columns import UNLIMITED
from operators.bandits.row_encoder import RowEncoder
from operators.bandits.standardization import Standardization
from operators.bandits.sufficient_statistics import Floats, Indices

ENOUGH: Final = 64
"""Updates before a number is limited to three times its greatest size, so that one wild value cannot outweigh
all others; by then its usual size is known."""


class FeatureScales:
    """Greatest size, mean and variance of every column; mean and variance are those of the last refit.

    Attributes
    ----------
    span, centre, variance
        Shape (width,) each.
    """

    __slots__ = ("centre", "span", "variance")

    def __init__(self, span: Floats, centre: Floats, variance: Floats) -> None:
        self.span = span
        self.centre = centre
        self.variance = variance

    @classmethod
    def unknown(cls, width: int) -> "FeatureScales":
        """Return the scales of columns without values."""
        return cls(np.zeros(width), np.zeros(width), np.ones(width))

    @property
    def standardization(self) -> Standardization:
        """Mean and variance, as weights are measured by them."""
        return Standardization(self.centre, self.variance)

    def observe(self, x: Floats) -> None:
        """Take into account the range of an update's row."""
        np.maximum(self.span, np.abs(x), out=self.span)

    def begin(self, x: Floats, new: Indices) -> None:
        """Guess the scale of new columns from the first row that has them."""
        self.variance[new] = np.where(x[new] == 0.0, 1.0, x[new] ** 2)

    def widen(self, more: int) -> None:
        """Add columns without values."""
        self.span, self.centre = (np.pad(each, (0, more)) for each in (self.span, self.centre))
        self.variance = np.pad(self.variance, (0, more), constant_values=1.0)

    def refit(self, products: Floats, encoder: RowEncoder, updates: int) -> None:
        """Set means and variances from the pooled products, (width, width); limit numbers of known size."""
        count = max(float(products[0, 0]), 1.0)
        self.centre = products[0] / count
        self.centre[0] = 1.0
        power = products.diagonal() / count
        self.variance = np.maximum(power - self.centre**2, (self.span / 4.0) ** 2)
        columns = encoder.columns
        self.variance[(self.variance <= 0.0) | (np.arange(len(power)) >= columns.size)] = 1.0
        if updates >= ENOUGH:
            for name, (column, _, limit) in columns.numbers.items():
                if limit == UNLIMITED and count * power[column] >= 4.0 * self.span[column] ** 2:
                    encoder.limit(name, 3.0 * float(self.span[column]))

    def state(self) -> tuple[bytes, ...]:
        """Return everything as bytes."""
        return self.span.tobytes(), self.centre.tobytes(), self.variance.tobytes()

    @classmethod
    def restored(cls, state: tuple[Any, ...]) -> "FeatureScales":
        """Return the scales that gave this ``state()``."""
        return cls(*(np.frombuffer(part).copy() for part in state))
