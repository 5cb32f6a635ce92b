"""The latest choices as a price sees them: what each arm was worth at which cart."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
SIZE: Final = 1000
"""Choices that are remembered."""
APART_S: Final = 86.4
"""Once there are so many, at least so long apart: those of a day, and not of its busiest minutes alone."""


class Choices:
    """A ring of the latest choices. Bounded by ``SIZE`` times the arms, in single precision."""

    def __init__(self, arms: Sequence[str]) -> None:
        self.arms = tuple(arms)
        self.count = 0
        self._column = {arm: number for number, arm in enumerate(self.arms)}
        self._gains = np.full((SIZE, len(self.arms)), -np.inf, np.float32)
        self._values = np.zeros(SIZE, np.float32)
        self._latest_s = 0.0

    def wants(self, at_s: float) -> bool:
        """Return whether a choice of this time is to be added."""
        return bool(self.arms) and (self.count < SIZE or at_s >= self._latest_s + APART_S)

    def add(self, at_s: float, cart_value: float, gains: Mapping[str, float]) -> None:
        """Add a choice, by how much each arm was worth more than no offer; the oldest one goes."""
        row = self.count % SIZE
        self.count += 1
        self._latest_s = at_s
        self._values[row] = cart_value
        self._gains[row] = -np.inf
        for arm, gain in gains.items():
            self._gains[row, self._column[arm]] = gain

    @property
    def gains(self) -> Floats:
        """The gain of each arm over no offer, (choices, arms); minus infinity where it could not be made."""
        return self._gains[: min(self.count, SIZE)].astype(np.float64)

    @property
    def cart_values(self) -> Floats:
        """What the carts were worth, (choices,)."""
        return self._values[: min(self.count, SIZE)].astype(np.float64)

    def state(self) -> tuple[Any, ...]:
        """Return everything in plain types and bytes."""
        size = min(self.count, SIZE)
        parts = (self._gains[:size].tobytes(), self._values[:size].tobytes())
        return self.arms, self.count, self._latest_s, *parts

    @classmethod
    def restored(cls, state: tuple[Any, ...]) -> "Choices":
        """Return the choices that gave this ``state()``."""
        arms, count, latest_s, gains, values = state
        self = cls(arms)
        self.count, self._latest_s = count, latest_s
        size = min(count, SIZE)
        self._gains[:size] = np.frombuffer(gains, np.float32).reshape(size, len(self.arms))
        self._values[:size] = np.frombuffer(values, np.float32)
        return self
