"""Chance that can be repeated: a number from a seed, a pick from shares, and who is likely the best."""

from collections.abc import Mapping, Sequence
from math import erfc, fsum, sqrt
from typing import Final, TypeVar

Arm = TypeVar("Arm", bound=int | str)

mask: Final = (1 << 64) - 1


def uniform(seed: int) -> float:
    """A number in [0, 1) that depends on the seed alone; neighbouring seeds are unrelated (splitmix64)."""
    z = ((seed + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def pick(probabilities: Mapping[Arm, float], chance: float) -> Arm:
    """The arm in whose share of [0, 1) the chance falls, shares laid out in the order given.

    >>> pick({"none": 0.75, "ten_percent": 0.25}, 0.8)
    'ten_percent'
    """
    arm = None
    for arm, probability in probabilities.items():
        chance -= probability
        if chance < 0.0:
            return arm
    if arm is None:
        raise ValueError("expected at least one arm to pick from; got none")
    return arm


def leaders(scores: Sequence[float]) -> list[float]:
    """All probability on the greatest score, shared evenly where several are the greatest."""
    best = max(scores)
    share = 1.0 / scores.count(best)
    return [share if score == best else 0.0 for score in scores]


def inverse_gap(scores: Sequence[float], gamma: float) -> list[float]:
    """Inverse gap weighting: 1 / (arms + gamma * gap) for all but the leader, which has the rest."""
    best, size = max(scores), len(scores)
    shares = [1.0 / (size + gamma * (best - score)) for score in scores]
    shares[scores.index(best)] += 1.0 - fsum(shares)
    return shares


def odds(scores: Sequence[tuple[float, float]]) -> list[float]:
    """The odds at which each normal score, told by mean and variance, beats the one believed the greatest.

    Chosen in proportion to them, two arms have the shares of Thompson sampling; of more, each keeps its odds
    against the leader whoever else is there (Bradley, Terry, 1952, "Rank Analysis of Incomplete Block
    Designs"). A closed form, where Thompson's share of one among many is an integral.
    """
    best, wide = max(scores)
    found = []
    for mean, variance in scores:
        both = 2.0 * (variance + wide)
        lose = erfc((best - mean) / sqrt(both)) if both > 0.0 else float(mean == best)
        found.append(lose / (2.0 - lose))
    return found
