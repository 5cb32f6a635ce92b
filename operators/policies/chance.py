"""Chance that can be repeated: a number from a seed, a pick from shares, and who is likely the best."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

Arm = TypeVar("Arm", bound=int | str)
Floats = NDArray[np.float64]

mask: Final = (1 << 64) - 1
nodes: Final = {n: np.linspace(-3.0, 3.0, n) for n in range(5, 14)}


@functools.cache
def cells(size: int) -> tuple[Floats, Floats]:
    """Matrices from values on a grid to their means over its cells, and from cells to minus the steps.

    With them ``f @ steps @ g(f @ means)`` is the sum over cells of g in the middle times the step of f.
    """
    after, before = np.eye(size, size - 1, k=-1), np.eye(size, size - 1)
    return (after + before) / 2.0, after - before


even: Final = {n: np.stack([np.ones(n), np.linspace(0.0, 1.0, n)]) for n in (10, 24)}


def uniform(seed: int) -> float:
    """A number in [0, 1) that depends on the seed alone; neighbouring seeds are unrelated (splitmix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & mask
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
    shares[scores.index(best)] += 1.0 - math.fsum(shares)
    return shares


def thompson(means: Sequence[float], deviations: Sequence[float]) -> list[float]:
    """Probability of each independent normal to be the greatest: Thompson's choice, without drawing.

    Arms that beat the one with the greatest mean less than once in seven hundred times are out of the race
    and have none; a race of two has a closed form, one of more is integrated.
    """
    least = 1e-6 * max(deviations)
    if not least > 0.0:
        return leaders(means)
    spreads = deviations if min(deviations) > least else [max(each, least) for each in deviations]
    best = max(means)
    if len(means) > 2 and best - min(means) <= 4.0 * min(spreads):
        return race(means, spreads)
    wide = spreads[means.index(best)] ** 2
    racing = [
        i for i, mean in enumerate(means) if (best - mean) ** 2 <= 9.0 * (spreads[i] * spreads[i] + wide)
    ]
    shares = [0.0] * len(means)
    if len(racing) == 1:
        shares[racing[0]] = 1.0
    elif len(racing) == 2:
        one, other = racing
        gap = (means[one] - means[other]) / math.hypot(spreads[one], spreads[other])
        shares[other] = 0.5 * math.erfc(gap * math.sqrt(0.5))
        shares[one] = 1.0 - shares[other]
    else:
        found = race([means[place] for place in racing], [spreads[place] for place in racing])
        for place, share in zip(racing, found, strict=True):
            shares[place] = share
    return shares


def race(means: Sequence[float], deviations: Sequence[float]) -> list[float]:
    """The share of each arm in the growth of the chance that all are below x, as x grows.

    With F the distribution functions and G their product, that is the integral of G over log F, here a sum
    over cells with G in their middle by its logarithm: even cells where all arms are about as well known,
    else cells that follow each arm's own scale, so that a wide newcomer does not blur a race between two
    well known arms.
    """
    arms = list(zip(means, deviations, strict=True))
    low = max([mean - 3.5 * spread for mean, spread in arms])
    span = max([mean + 3.5 * spread for mean, spread in arms]) - low
    reach = span / min(deviations)
    if reach < 27.3:
        # few sizes of grid: one that followed the reach would make shares jump at the slightest change
        size = 10 if reach < 9.1 else 24
        z = np.array([((low - mean) / spread, span / spread) for mean, spread in arms]) @ even[size]
    else:
        middles, scales = np.array(means), np.array(deviations)
        grid = (middles[:, None] + scales[:, None] * nodes[min(11, max(5, 72 // len(means)))]).ravel()
        grid.sort()
        z, size = (grid - middles[:, None]) / scales[:, None], len(grid)
    logs, (middle, steps) = log_ndtr(z), cells(size)
    mass = (logs @ (steps @ np.exp(np.add.reduce(logs) @ middle))).tolist()
    total = 1.0 / math.fsum(mass)
    return [total * each for each in mass]
