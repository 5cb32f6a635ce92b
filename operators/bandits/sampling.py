"""Draws that can be repeated: a uniform number from a seed, and an arm from its probabilities."""

from collections.abc import Mapping
from typing import Final

from operators.bandits.context import Arm

MASK: Final = (1 << 64) - 1


def uniform(seed: int) -> float:
    """Return a number in [0, 1) that depends on the seed alone; neighbouring seeds are unrelated.

    splitmix64: Steele, Lea, Flood, 2014, "Fast Splittable Pseudorandom Number Generators".
    """
    z = ((seed + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def pick(probabilities: Mapping[Arm, float], u: float) -> Arm:
    """Return the arm in whose share of [0, 1) the number ``u`` falls, shares laid out in the order given.

    Raises ValueError where there is no arm.

    >>> pick({"no_offer": 0.75, "ten_percent": 0.25}, 0.8)
    'ten_percent'
    """
    arm = None
    for arm, probability in probabilities.items():
        u -= probability
        if u < 0.0:
            return arm
    if arm is None:
        raise ValueError("expected at least one arm to pick from; got none")
    return arm
