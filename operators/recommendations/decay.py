"""How counts fade: by half in a half-life."""

import numpy as np
from numpy.typing import NDArray


def decay(elapsed_s: float, half_life_s: float) -> float:
    """Return what is left of a count after a time; all of it where time went back.

    >>> decay(60.0, 30.0), decay(-5.0, 30.0)
    (0.25, 1.0)
    """
    return float(2.0 ** (-max(elapsed_s, 0.0) / half_life_s))


def decays(elapsed_s: NDArray[np.float64], half_life_s: float) -> NDArray[np.float64]:
    """Return what is left of counts, each after a time of its own."""
    return np.exp2(-np.maximum(elapsed_s, 0.0) / half_life_s)
