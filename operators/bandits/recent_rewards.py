"""The rewards of the latest updates, so that a reward that changes later can be corrected exactly."""

from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np

from operators.bandits.context import Context

ENCODER: Final = msgspec.msgpack.Encoder(order="sorted", enc_hook=str)


class RecentRewards:
    """The rewards of the last ``size`` updates by arm and context; 16 bytes each."""

    __slots__ = ("keys", "rewards", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.keys = np.zeros(size, dtype=np.uint64)
        self.rewards = np.zeros(size)

    def record(self, update: int, arm: int | str, context: Context, reward: float) -> None:
        """Remember an update (its number, from 0) in place of the oldest."""
        self.keys[update % self.size] = key_of(arm, context)
        self.rewards[update % self.size] = reward

    def revise(
        self, updates: int, arm: int | str, context: Context, change: float
    ) -> tuple[int, float] | None:
        """Change the reward of the last such update among ``updates``.

        Return the number of the update and its reward before, None where it is not remembered.
        """
        places = np.flatnonzero(self.keys[:updates] == key_of(arm, context))
        if not len(places):
            return None
        ages = (updates - 1 - places) % self.size
        place = int(places[ages.argmin()])
        before = float(self.rewards[place])
        self.rewards[place] += change
        return updates - 1 - int(ages.min()), before

    def state(self, updates: int) -> tuple[bytes, bytes]:
        """Return everything as bytes, given the number of updates."""
        return self.keys[:updates].tobytes(), self.rewards[:updates].tobytes()

    def restore(self, state: tuple[bytes, bytes]) -> None:
        """Become what gave this ``state()``."""
        for array, part in zip((self.keys, self.rewards), state, strict=True):
            array[: len(part) // 8] = np.frombuffer(part, dtype=array.dtype)


def key_of(arm: int | str, context: Context) -> np.uint64:
    """Return 64 bits that stand for the arm and the context, whatever the order of its features."""
    try:
        encoded = ENCODER.encode((arm, context))
    except OverflowError:
        encoded = repr((arm, sorted(context.items()))).encode()
    return np.uint64(int.from_bytes(blake2b(encoded, digest_size=8).digest(), "little"))
