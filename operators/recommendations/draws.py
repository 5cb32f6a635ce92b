"""Random numbers that follow from a number, so that a replay draws the same."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEP: Final = 0x9E3779B97F4A7C15
_WORD: Final = (1 << 64) - 1


def draws(seed: int, count: int) -> NDArray[np.float64]:
    """Return numbers in [0, 1) that look independent and uniform (SplitMix64: Steele, Lea and Flood, 2014).

    >>> draws(1, 2).tolist() == draws(1, 3)[:2].tolist()
    True
    """
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_STEP) + np.uint64(_mixed(seed))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.ldexp(((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64), -53)


def _mixed(seed: int) -> int:
    mixed = (seed + 1) * _STEP & _WORD
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    return mixed ^ (mixed >> 31)
