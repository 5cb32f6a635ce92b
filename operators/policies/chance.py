"""Chance that can be repeated: a number from a seed, a pick from shares, and who is likely the best."""

from collections.abc import Mapping
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Arm = TypeVar("Arm", bound=int | str)
Floats = NDArray[np.float64]

mask: Final = (1 << 64) - 1
counting: Final = np.arange(64.0)
nodes: Final = {n: np.linspace(-3.0, 3.0, n) for n in range(5, 14)}


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


def leaders(scores: Floats) -> Floats:
    """All probability on the greatest score, shared evenly where several are the greatest."""
    first: Floats = (scores >= scores.max()).astype(np.float64)
    first /= first.sum()
    return first


def inverse_gap(scores: Floats, gamma: float) -> Floats:
    """Inverse gap weighting: 1 / (arms + gamma * gap) for all but the leader, which has the rest."""
    best = int(scores.argmax())
    shares: Floats = 1.0 / (len(scores) + gamma * (scores[best] - scores))
    shares[best] += 1.0 - shares.sum()
    return shares


def thompson(means: Floats, deviations: Floats) -> Floats:
    """Probability of each independent normal to be the greatest: Thompson's choice, without drawing.

    The integral of each density times the others' distribution functions is summed over a grid: an even one
    where all arms are about as well known, else one that follows each arm's own scale, so that a wide
    newcomer does not blur a race between two well known arms.
    """
    wide = float(deviations.max())
    if not wide > 0.0:
        return leaders(means)
    deviations = np.maximum(deviations, 1e-6 * wide)
    racing = means + 3.0 * deviations >= (means - 3.0 * deviations).max()
    size = int(np.count_nonzero(racing))
    shares: Floats = np.zeros(len(means))
    shares[racing] = race(means[racing], deviations[racing]) if size > 1 else 1.0
    return shares


def race(means: Floats, deviations: Floats) -> Floats:
    """The same among arms of which each has a chance."""
    low, high = float((means - 3.5 * deviations).max()), float((means + 3.5 * deviations).max())
    count = 2 + int((high - low) / (0.5 * float(deviations.min())))
    if count <= len(counting):
        grid = low + (high - low) / (count - 1) * counting[:count]
    else:
        grid = (means[:, None] + deviations[:, None] * nodes[min(11, max(5, 72 // len(means)))]).ravel()
        grid.sort()
    z = (grid - means[:, None]) / deviations[:, None]
    # Phi(z) to 2e-4 by a hyperbolic tangent: a fraction of the cost of the error function
    z *= 0.7978845608 + 0.0356774081 * z * z
    below = np.tanh(z, out=z)
    below += 1.0 + 1e-12
    others = np.multiply.reduce(below, axis=0)[1:-1] / below[:, 1:-1]
    mass: Floats = np.einsum("ij,ij->i", below[:, 2:] - below[:, :-2], others)
    mass /= mass.sum()
    return mass
