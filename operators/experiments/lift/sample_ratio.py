"""The test for a sample ratio mismatch (SRM): whether as many units are held out as should be."""

from math import exp, lgamma, log, log1p
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

CONCENTRATION: Final = 1000.0


class SampleRatioTest(NamedTuple):
    """The number of units, of those held out and of those expected to be, and an anytime-valid p-value.

    Where the shares are as configured, the probability that ``p_value`` ever falls below p is at most p. A
    small one means that units were lost or assigned otherwise, so no lift can be trusted.
    """

    units: int
    held_out: int
    expected: float
    p_value: float


def sample_ratio_test(
    held_out: ArrayLike, units: ArrayLike, share: ArrayLike, *, concentration: float = CONCENTRATION
) -> SampleRatioTest:
    """Return the test over numbers of units and of those held out, one entry for each share ever configured.

    The p-value is one over the likelihood ratio of a beta mixture of shares and the configured share, which
    is a martingale in time where the configured one is true (Lindon and Malek, "Anytime-valid inference for
    multinomial count data", NeurIPS 2022). The mixture is centred on the configured share, as narrow as if
    that had been observed in ``concentration`` units; a greater one finds smaller mismatches, later. Raises
    ValueError unless each share is above 0 and below 1.

    >>> sample_ratio_test(520, 10_000, 0.05)
    SampleRatioTest(units=10000, held_out=520, expected=500.0, p_value=1.0)
    >>> sample_ratio_test(650, 10_000, 0.05).p_value < 1e-6
    True
    """
    total, held, expected, evidence = 0, 0, 0.0, 0.0
    rows = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (held_out, units, share)))
    for k, n, h in zip(*(row.ravel() for row in rows), strict=True):
        found, among, configured = int(k), int(n), float(h)
        if not 0 < configured < 1:
            raise ValueError(f"share must be above 0 and below 1; got {configured}")
        total, held, expected = total + among, held + found, expected + among * configured
        evidence += _log_ratio(found, among, configured, concentration)
    return SampleRatioTest(total, held, expected, min(1.0, exp(min(-evidence, 0.0))))


def _log_ratio(held_out: int, units: int, share: float, concentration: float) -> float:
    a, b = concentration * share, concentration * (1 - share)
    rest = units - held_out
    mixed = _log_beta(a + held_out, b + rest) - _log_beta(a, b)
    return mixed - held_out * log(share) - rest * log1p(-share)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
