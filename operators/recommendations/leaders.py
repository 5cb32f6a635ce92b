"""The products with the greatest keys, kept up to date as keys rise."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from operators.recommendations.learner import MOST_CANDIDATES
from operators.recommendations.numbering import Numbering, Numbers, slots_of

Floats = NDArray[np.float64]


class Leaders:
    """The ``MOST_CANDIDATES`` products of the greatest keys, of equal ones those of the least slots.

    They follow from the keys, ``keys(slots)``, which rise only: all are looked through after a start, and
    where a leader was forgotten.
    """

    def __init__(self, items: Numbering, keys: Callable[[NDArray[np.intp]], Floats]) -> None:
        self._items = items
        self._keys_of = keys
        self._keys: dict[int, float] | None = None
        self._least = (math.inf, 0)
        self._best: tuple[Numbers, Floats] | None = None

    def changed(self, items: Numbers) -> None:
        """Note that the keys of products have risen."""
        keys = self._keys
        if keys is None:
            return
        slots = slots_of(items)
        for slot, key in zip(slots.tolist(), self._keys_of(slots).tolist(), strict=True):
            if slot not in keys and len(keys) == MOST_CANDIDATES and (key, -slot) <= self._least:
                continue
            self._best = None
            if slot in keys or len(keys) < MOST_CANDIDATES:
                keys[slot] = key
            else:
                del keys[-self._least[1]]
                keys[slot] = key
            if slot == -self._least[1] or -self._least[1] not in keys or (key, -slot) < self._least:
                self._least = min((each, -slot) for slot, each in keys.items())

    def forget(self, slot: int) -> None:
        """Drop the product that had a slot."""
        if self._keys is not None and slot in self._keys:
            self._keys = self._best = None

    def best(self) -> tuple[Numbers, Floats]:
        """Return the products and their keys, the greatest first."""
        if self._best is not None:
            return self._best
        keys = self._found() if self._keys is None else self._keys
        order = sorted(keys, key=lambda slot: (-keys[slot], slot))
        self._best = self._items.of_slots(order), np.array([keys[slot] for slot in order])
        return self._best

    def _found(self) -> dict[int, float]:
        slots = np.arange(len(self._items))
        keys = self._keys_of(slots)
        order = np.lexsort((slots, -keys))[:MOST_CANDIDATES]
        order = order[keys[order] > -math.inf]
        found = dict(zip(order.tolist(), keys[order].tolist(), strict=True))
        self._keys = found
        self._least = min(((key, -slot) for slot, key in found.items()), default=(math.inf, 0))
        return found
