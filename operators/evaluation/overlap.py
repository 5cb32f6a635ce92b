"""Whether a log can answer what a policy would have earned: how much of it is about the policy."""

from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from operators.evaluation.intervals import effective_sample_size
from operators.evaluation.log import Log, distribution

LEAST_ROWS: Final = 30.0
"""Effective rows below which a policy cannot be evaluated: the rule of thumb for the mean of a sample."""
FEW_ROWS: Final = 100.0
"""Effective rows below which there is a warning."""
FAR_MASS: Final = 2.0
"""The factor by which the mean weight may miss 1 before no estimate is credible."""
OFF_MASS: Final = 1.25
"""The factor by which it may miss 1 before there is a warning."""
BLIND: Final = 0.01
"""The share of a policy's choices that may be arms the log never draws."""

Verdict = Literal["enough", "little", "too little"]


class OverlapReport(msgspec.Struct, frozen=True):
    """How much of a log is about a policy.

    Attributes
    ----------
    effective_sample_size, largest_weight
        Those of the importance weights.
    mean_weight
        1 up to chance, where everything that the policy does was logged often enough.
    matching_rows
        Rows with a weight above 0.
    unlogged
        The share of the policy's choices that are arms the log never draws in such a row; None where the
        logged distributions are not known.
    verdict
        With "too little", believe no estimate.
    warnings
        What is missing, in words.
    """

    effective_sample_size: float
    largest_weight: float
    mean_weight: float
    matching_rows: int
    unlogged: float | None
    verdict: Verdict
    warnings: tuple[str, ...]


def overlap(log: Log, target: ArrayLike) -> OverlapReport:
    """Return how much of a log is about a target, given by its probabilities, (rows, arms)."""
    chosen = distribution(target, log)
    weights = log.weights(chosen)
    effective, mean = effective_sample_size(weights), float(weights.mean())
    unlogged = None
    if log.logging is not None:
        unlogged = float(np.where(log.logging > 0.0, 0.0, chosen).sum(axis=1).mean())
    fatal, weak = [], []
    if effective < LEAST_ROWS:
        fatal.append(
            f"the log is worth {effective:.1f} rows for this policy; with fewer than {LEAST_ROWS:.0f} "
            "nothing can be said"
        )
    elif effective < FEW_ROWS:
        weak.append(f"the log is worth only {effective:.0f} rows for this policy")
    words = (
        f"the weights average {mean:.3g} instead of 1: rows this policy needs are missing or count too much"
    )
    if not 1.0 / FAR_MASS <= mean <= FAR_MASS:
        fatal.append(words)
    elif not 1.0 / OFF_MASS <= mean <= OFF_MASS:
        weak.append(words)
    if unlogged is not None and unlogged > BLIND:
        fatal.append(f"{unlogged:.0%} of its choices are arms that were never drawn in such rows")
    verdict: Verdict = "too little" if fatal else "little" if weak else "enough"
    return OverlapReport(
        effective,
        float(weights.max()),
        mean,
        int((weights > 0.0).sum()),
        unlogged,
        verdict,
        (*fatal, *weak),
    )
