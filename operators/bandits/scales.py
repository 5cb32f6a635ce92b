"""What the features are like: how far they reach, where their middle is, how much they vary."""

from typing import Any, Final

import numpy as np

from operators.bandits.columns import Columns, widest
from operators.bandits.lessons import Floats
from operators.bandits.meta_prior import Places
from operators.bandits.regression import Frame

settled: Final = 64


class Scales:
    """Greatest size, mean and variance of every column; mean and variance are those of the last renewal."""

    __slots__ = ("centre", "span", "variance")

    def __init__(self, span: Floats, centre: Floats, variance: Floats) -> None:
        self.span = span
        self.centre = centre
        self.variance = variance

    @classmethod
    def none(cls, width: int) -> "Scales":
        """Of columns never seen."""
        return cls(np.zeros(width), np.zeros(width), np.ones(width))

    @property
    def frame(self) -> Frame:
        """What weights are measured by."""
        return Frame(self.centre, self.variance)

    def see(self, x: Floats) -> None:
        """Takes in how far a lesson's row reaches."""
        np.maximum(self.span, np.abs(x), out=self.span)

    def begin(self, x: Floats, new: Places) -> None:
        """Guesses the scale of new columns from the first row that has them."""
        self.variance[new] = np.where(x[new] == 0.0, 1.0, x[new] ** 2)

    def widen(self, more: int) -> None:
        """Adds columns never seen."""
        self.span, self.centre = (np.pad(each, (0, more)) for each in (self.span, self.centre))
        self.variance = np.pad(self.variance, (0, more), constant_values=1.0)

    def renew(self, products: Floats, columns: Columns, lessons: int) -> None:
        """Means and variances by the sums of products over all lessons; limits numbers that had outliers."""
        count = max(float(products[0, 0]), 1.0)
        self.centre = products[0] / count
        self.centre[0] = 1.0
        power = products.diagonal() / count
        self.variance = np.maximum(power - self.centre**2, (self.span / 4.0) ** 2)
        self.variance[(self.variance <= 0.0) | (np.arange(len(power)) >= columns.size)] = 1.0
        if lessons >= settled:
            for name, (column, _, limit) in columns.numbers.items():
                if limit == widest and count * power[column] >= 4.0 * self.span[column] ** 2:
                    columns.limit(name, 3.0 * float(self.span[column]))

    def state(self) -> tuple[bytes, ...]:
        """All there is to know, as bytes."""
        return self.span.tobytes(), self.centre.tobytes(), self.variance.tobytes()

    @classmethod
    def of(cls, state: tuple[Any, ...]) -> "Scales":
        """The scales whose ``state()`` this was."""
        return cls(*(np.frombuffer(part).copy() for part in state))
