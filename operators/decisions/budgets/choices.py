"""The latest choices as a price sees them: what each arm was worth and would have cost at its cart."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
SIZE: Final = 384
"""Choices that are remembered."""


class Choices:
    """A ring of the latest choices. Bounded by ``SIZE`` times the arms, in single precision.

    ``gains`` is by how much an arm is worth more than no offer, minus infinity where it could not be made;
    ``at_cart`` what it would cost at its cart.
    """

    def __init__(self, arms: Sequence[str]) -> None:
        self.arms = tuple(arms)
        self.column = {arm: number for number, arm in enumerate(self.arms)}
        self._gains = np.full((SIZE, len(self.arms)), -np.inf, np.float32)
        self._at_cart = np.zeros((SIZE, len(self.arms)), np.float32)
        self.count = 0

    def add(self, gains: Mapping[str, float], at_cart: Mapping[str, float]) -> None:
        """Add a choice; the oldest one goes."""
        row = self.count % SIZE
        self.count += 1
        self._gains[row] = -np.inf
        for arm, gain in gains.items():
            column = self.column[arm]
            self._gains[row, column] = gain
            self._at_cart[row, column] = at_cart[arm]

    @property
    def gains(self) -> Floats:
        """The gain of each arm over no offer, (choices, arms)."""
        return self._gains[: min(self.count, SIZE)].astype(np.float64)

    @property
    def at_cart(self) -> Floats:
        """What each arm would cost at its cart, (choices, arms)."""
        return self._at_cart[: min(self.count, SIZE)].astype(np.float64)

    def state(self) -> tuple[Any, ...]:
        """Return everything in plain types and bytes."""
        size = min(self.count, SIZE)
        return self.arms, self.count, self._gains[:size].tobytes(), self._at_cart[:size].tobytes()

    @classmethod
    def restored(cls, state: tuple[Any, ...]) -> "Choices":
        """Return the choices that gave this ``state()``."""
        arms, count, *parts = state
        self = cls(arms)
        self.count = count
        size = min(count, SIZE)
        for own, part in zip((self._gains, self._at_cart), parts, strict=True):
            own[:size] = np.frombuffer(part, np.float32).reshape(size, len(self.arms))
        return self
