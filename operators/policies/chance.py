"""Chance that can be repeated: a number from a seed, a pick from shares, and who is likely the best."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Arm = TypeVar("Arm", bound=int | str)
Floats = NDArray[np.float64]

mask: Final = (1 << 64) - 1
even: Final = {n: np.linspace(0.0, 1.0, n) for n in (20, 60)}
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
    spreads = [max(deviation, least) for deviation in deviations]
    best = max(means)
    spread = spreads[means.index(best)]
    racing = [i for i, mean in enumerate(means) if best - mean <= 3.0 * math.hypot(spreads[i], spread)]
    shares = [0.0] * len(means)
    if len(racing) == 1:
        shares[racing[0]] = 1.0
    elif len(racing) == 2:
        one, other = racing
        gap = (means[one] - means[other]) / math.hypot(spreads[one], spreads[other])
        shares[other] = 0.5 * math.erfc(gap * math.sqrt(0.5))
        shares[one] = 1.0 - shares[other]
    else:
        found = race(
            np.array([means[place] for place in racing]), np.array([spreads[place] for place in racing])
        )
        for place, share in zip(racing, found, strict=True):
            shares[place] = share
    return shares


def race(means: Floats, deviations: Floats) -> list[float]:
    """The integral of each density times the others' distribution functions, summed over a grid.

    An even grid where all arms are about as well known, else one that follows each arm's own scale, so that
    a wide newcomer does not blur a race between two well known arms.
    """
    low, high = float((means - 3.5 * deviations).max()), float((means + 3.5 * deviations).max())
    reach = (high - low) / float(deviations.min())
    if reach < 27.3:
        # few sizes of grid: one that followed the reach would make shares jump at the slightest change
        grid = low + (high - low) * even[20 if reach < 9.1 else 60]
    else:
        grid = (means[:, None] + deviations[:, None] * nodes[min(11, max(5, 72 // len(means)))]).ravel()
        grid.sort()
    z = (grid - means[:, None]) / deviations[:, None]
    # Phi(z) to 2e-4 by a hyperbolic tangent: a fraction of the cost of the error function
    z *= 0.7978845608 + 0.0356774081 * z * z
    below = np.tanh(z, out=z)
    below += 1.0 + 1e-12
    others = np.multiply.reduce(below, axis=0)[1:-1] / below[:, 1:-1]
    mass = np.einsum("ij,ij->i", below[:, 2:] - below[:, :-2], others)
    mass /= mass.sum()
    return cast("list[float]", mass.tolist())
