"""The rewards of the latest updates, so that a reward that changes later can be corrected exactly."""

from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from operators.bandits.context import Context
from operators.bandits.winsorization import Bounds

ENCODER: Final = msgspec.msgpack.Encoder(order="sorted", enc_hook=str)


class RecentReward(NamedTuple):
    """An update by its number, from 0: its reward as it is by now, and the bounds that it trains within."""

    update: int
    reward: float
    bounds: Bounds


class RecentRewards:
    """The rewards of the last ``size`` updates by arm and context; 32 bytes each."""

    __slots__ = ("greatest", "keys", "least", "rewards", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.keys = np.zeros(size, dtype=np.uint64)
        self.rewards = np.zeros(size)
        self.least = np.zeros(size)
        self.greatest = np.zeros(size)

    def record(self, update: int, arm: int | str, context: Context, reward: float, bounds: Bounds) -> None:
        """Remember an update (its number, from 0) in place of the oldest."""
        place = update % self.size
        self.keys[place] = key_of(arm, context)
        self.rewards[place] = reward
        self.least[place], self.greatest[place] = bounds

    def find(self, updates: int, arm: int | str, context: Context) -> RecentReward | None:
        """Return the last such update among ``updates``, None where it is not remembered."""
        places = np.flatnonzero(self.keys[:updates] == key_of(arm, context))
        if not len(places):
            return None
        ages = (updates - 1 - places) % self.size
        place = int(places[ages.argmin()])
        update = updates - 1 - int(ages.min())
        bounds = float(self.least[place]), float(self.greatest[place])
        return RecentReward(update, float(self.rewards[place]), bounds)

    def revise(self, changed: RecentReward) -> None:
        """Remember an update that was found with its reward as it is now."""
        place = changed.update % self.size
        self.rewards[place] = changed.reward
        self.least[place], self.greatest[place] = changed.bounds

    def state(self, updates: int) -> list[bytes]:
        """Return everything as bytes, given the number of updates."""
        return [each[:updates].tobytes() for each in self._arrays()]

    def restore(self, state: list[bytes]) -> None:
        """Become what gave this ``state()``."""
        for array, part in zip(self._arrays(), state, strict=True):
            array[: len(part) // 8] = np.frombuffer(part, dtype=array.dtype)

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self.keys, self.rewards, self.least, self.greatest


def key_of(arm: int | str, context: Context) -> np.uint64:
    """Return 64 bits that stand for the arm and the context, whatever the order of its features."""
    try:
        encoded = ENCODER.encode((arm, context))
    except OverflowError:
        encoded = repr((arm, sorted(context.items()))).encode()
    return np.uint64(int.from_bytes(blake2b(encoded, digest_size=8).digest(), "little"))
