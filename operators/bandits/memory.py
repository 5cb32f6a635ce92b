"""What the last lessons were, so that a reward that changed can be told from what it was."""

from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np

from operators.bandits.plans import Context

encoder: Final = msgspec.msgpack.Encoder(order="sorted", enc_hook=str)
careful: Final = msgspec.msgpack.Encoder(order="sorted", enc_hook=str)


class Memory:
    """The rewards of the last ``most`` lessons by arm and context, 16 bytes each."""

    __slots__ = ("keys", "most", "rewards")

    def __init__(self, most: int) -> None:
        self.most = most
        self.keys = np.zeros(most, dtype=np.uint64)
        self.rewards = np.zeros(most)

    def keep(self, lesson: int, arm: int | str, context: Context, reward: float) -> None:
        """Remembers the lesson in place of the oldest."""
        self.keys[lesson % self.most] = key(arm, context)
        self.rewards[lesson % self.most] = reward

    def change(
        self, lessons: int, arm: int | str, context: Context, change: float
    ) -> tuple[int, float] | None:
        """Changes the reward of the last such lesson; its number and former reward, None if forgotten."""
        places = np.flatnonzero(self.keys[:lessons] == key(arm, context))
        if not len(places):
            return None
        ages = (lessons - 1 - places) % self.most
        place = int(places[ages.argmin()])
        before = float(self.rewards[place])
        self.rewards[place] += change
        return lessons - 1 - int(ages.min()), before

    def state(self, lessons: int) -> tuple[bytes, bytes]:
        """All there is to know, as bytes."""
        return self.keys[:lessons].tobytes(), self.rewards[:lessons].tobytes()

    def resume(self, state: tuple[bytes, bytes]) -> None:
        """Becomes what ``state()`` told."""
        for array, part in zip((self.keys, self.rewards), state, strict=True):
            array[: len(part) // 8] = np.frombuffer(part, dtype=array.dtype)


def key(arm: int | str, context: Context) -> np.uint64:
    """64 bits that stand for the arm and the context, whatever the order of its features."""
    try:
        words = encoder.encode((arm, context))
    except OverflowError:
        words = repr((arm, sorted(context.items()))).encode()
    return np.uint64(int.from_bytes(blake2b(words, digest_size=8).digest(), "little"))
