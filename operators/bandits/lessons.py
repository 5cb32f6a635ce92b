"""All that lessons taught, as sums from which every regression follows."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

everyone: Final = 0
newcomer: Final = 1


class Lessons:
    """Sums over lessons by row: features times features, features times reward, and reward squared.

    Row 0 sums up all lessons, row 1 none; each arm has a row of its own after them. The sums are in the
    units of features and rewards, so nothing learned later about scales spoils them. Shapes: rows by width
    by width, rows by width, rows.
    """

    __slots__ = ("products", "squares", "sums")

    def __init__(self, products: Floats, sums: Floats, squares: Floats) -> None:
        self.products = products
        self.sums = sums
        self.squares = squares

    @classmethod
    def none(cls, width: int) -> "Lessons":
        """Nothing learned, and no arm."""
        return cls(np.zeros((2, width, width)), np.zeros((2, width)), np.zeros(2))

    def add(self, row: int, x: Floats, reward: float, square: float) -> None:
        """Adds a reward and its square to the row and to all lessons together."""
        moment = reward * x
        for each in (everyone, row):
            self.sums[each] += moment
            self.squares[each] += square

    def fade(self, keep: float) -> None:
        """Lets every lesson so far count ``keep`` times what it did."""
        self.products *= keep
        self.sums *= keep
        self.squares *= keep

    def enter(self) -> None:
        """Adds a row of no lessons."""
        self.products = np.concatenate([self.products, self.products[newcomer : newcomer + 1]])
        self.sums = np.concatenate([self.sums, self.sums[newcomer : newcomer + 1]])
        self.squares = np.append(self.squares, 0.0)

    def leave(self, row: int) -> None:
        """Drops a row; what it taught of all arms together stays."""
        self.products, self.sums, self.squares = (
            np.delete(array, row, axis=0) for array in (self.products, self.sums, self.squares)
        )

    def widen(self, more: int) -> None:
        """Adds columns that no lesson had."""
        self.products = np.pad(self.products, ((0, 0), (0, more), (0, more)))
        self.sums = np.pad(self.sums, ((0, 0), (0, more)))

    def copy(self) -> "Lessons":
        """The same sums, which stay what they are."""
        return Lessons(self.products.copy(), self.sums.copy(), self.squares.copy())

    def state(self) -> tuple[bytes, bytes, bytes]:
        """All there is to know, as bytes; of products, which are symmetric, one half."""
        above = np.triu_indices(self.products.shape[1])
        return self.products[:, *above].tobytes(), self.sums.tobytes(), self.squares.tobytes()

    @classmethod
    def of(cls, state: tuple[Any, ...], width: int) -> "Lessons":
        """The sums whose ``state()`` this was."""
        products, sums, squares = (np.frombuffer(part).copy() for part in state)
        found = cls(np.zeros((len(squares), width, width)), sums.reshape(-1, width), squares)
        row, column = np.triu_indices(width)
        found.products[:, row, column] = products.reshape(len(squares), -1)
        found.products[:, column, row] = found.products[:, row, column]
        return found
