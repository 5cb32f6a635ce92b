"""The sums over updates from which every regression follows."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

POOLED: Final = 0
"""The row of all arms together."""
NEW_ARM: Final = 1
"""The row of an arm without updates."""


class SufficientStatistics:
    """Sums over updates by row: features times features, features times reward, and reward squared.

    Row 0 sums up the updates of all arms, row 1 is an arm without updates; the arms follow, a row each. The
    sums are in the units of features and rewards, so they stay right when scales are learned later.

    Attributes
    ----------
    products
        Shape (rows, width, width).
    sums
        Shape (rows, width).
    squares
        Shape (rows,).
    """

    __slots__ = ("products", "squares", "sums")

    def __init__(self, products: Floats, sums: Floats, squares: Floats) -> None:
        self.products = products
        self.sums = sums
        self.squares = squares

    @classmethod
    def empty(cls, width: int) -> "SufficientStatistics":
        """Return the sums before any update, without an arm."""
        return cls(np.zeros((2, width, width)), np.zeros((2, width)), np.zeros(2))

    def add(self, row: int, x: Floats, reward: float) -> None:
        """Add an update with features ``x`` to a row and to the pooled one."""
        outer, moment, square = x[:, None] * x, reward * x, reward * reward
        for each in (POOLED, row):
            self.products[each] += outer
            self.sums[each] += moment
            self.squares[each] += square

    def add_reward(self, row: int, x: Floats, reward: float, square: float) -> None:
        """Add a change of a reward and of its square to a row and to the pooled one."""
        moment = reward * x
        for each in (POOLED, row):
            self.sums[each] += moment
            self.squares[each] += square

    def decay(self, factor: float) -> None:
        """Multiply everything so far."""
        self.products *= factor
        self.sums *= factor
        self.squares *= factor

    def add_arm(self) -> None:
        """Add a row without updates."""
        self.products = np.concatenate([self.products, self.products[NEW_ARM : NEW_ARM + 1]])
        self.sums = np.concatenate([self.sums, self.sums[NEW_ARM : NEW_ARM + 1]])
        self.squares = np.append(self.squares, 0.0)

    def remove_arm(self, row: int) -> None:
        """Drop a row; the pooled one keeps its updates."""
        self.products, self.sums, self.squares = (
            np.delete(array, row, axis=0) for array in (self.products, self.sums, self.squares)
        )

    def widen(self, more: int) -> None:
        """Add columns that were zero in every update."""
        self.products = np.pad(self.products, ((0, 0), (0, more), (0, more)))
        self.sums = np.pad(self.sums, ((0, 0), (0, more)))

    def copy(self) -> "SufficientStatistics":
        """Return an independent copy."""
        return SufficientStatistics(self.products.copy(), self.sums.copy(), self.squares.copy())

    def state(self) -> tuple[bytes, bytes, bytes]:
        """Return everything as bytes; half of the products, which are symmetric."""
        above = np.triu_indices(self.products.shape[1])
        return self.products[:, *above].tobytes(), self.sums.tobytes(), self.squares.tobytes()

    @classmethod
    def restored(cls, state: tuple[Any, ...], width: int) -> "SufficientStatistics":
        """Return the sums that gave this ``state()``."""
        products, sums, squares = (np.frombuffer(part).copy() for part in state)
        found = cls(np.zeros((len(squares), width, width)), sums.reshape(-1, width), squares)
        row, column = np.triu_indices(width)
        found.products[:, row, column] = products.reshape(len(squares), -1)
        found.products[:, column, row] = found.products[:, row, column]
        return found
