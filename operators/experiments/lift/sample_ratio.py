"""Whether as many units are held out as were meant to be: the test for a sample ratio mismatch."""

from math import exp, lgamma, log, log1p
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

CONCENTRATION: Final = 1000.0
"""Other shares are thought of as near to the one that was set as if it had been seen in so many units."""


class Balance(NamedTuple):
    """How many units there are, how many of them are held out, and how many of those were expected.

    ``p_value`` may be looked at any time: where the shares are as set it is ever below p with probability at
    most p. A small one says that units were lost or assigned otherwise, so no lift can be trusted.
    """

    units: int
    held_out: int
    expected: float
    p_value: float


def balance(held_out: ArrayLike, units: ArrayLike, share: ArrayLike) -> Balance:
    """Return the balance of numbers of units and of those held out, one for each share that was ever set.

    The p-value is one over the likelihood ratio of a beta mixture of shares, centred on the one that was set,
    and that share: a martingale in time where it is true (Lindon and Malek, "Anytime-valid inference for
    multinomial count data", NeurIPS 2022). Raises ValueError unless each share is above 0 and below 1.

    >>> balance(520, 10_000, 0.05)
    Balance(units=10000, held_out=520, expected=500.0, p_value=1.0)
    >>> balance(650, 10_000, 0.05).p_value < 1e-6
    True
    """
    total, held, expected, evidence = 0, 0, 0.0, 0.0
    rows = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (held_out, units, share)))
    for k, n, h in zip(*(row.ravel() for row in rows), strict=True):
        found, among, set_to = int(k), int(n), float(h)
        if not 0 < set_to < 1:
            raise ValueError(f"share must be above 0 and below 1; got {set_to}")
        total, held, expected = total + among, held + found, expected + among * set_to
        evidence += _log_ratio(found, among, set_to)
    return Balance(total, held, expected, min(1.0, exp(min(-evidence, 0.0))))


def _log_ratio(held_out: int, units: int, share: float) -> float:
    a, b = CONCENTRATION * share, CONCENTRATION * (1 - share)
    rest = units - held_out
    mixed = _log_beta(a + held_out, b + rest) - _log_beta(a, b)
    return mixed - held_out * log(share) - rest * log1p(-share)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
