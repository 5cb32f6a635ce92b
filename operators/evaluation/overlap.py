"""Whether a log can say anything about a policy at all: how much of it speaks, and what is missing."""

from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from operators.evaluation.intervals import effective_sample_size
from operators.evaluation.log import Log, distribution

LEAST_ROWS: Final = 30.0
FEW_ROWS: Final = 100.0
FAR_MASS: Final = 2.0
OFF_MASS: Final = 1.25
BLIND: Final = 0.01

Verdict = Literal["enough", "little", "too little"]


class Overlap(msgspec.Struct, frozen=True):
    """How much of a log speaks about a policy.

    ``effective_sample_size`` and ``largest_weight`` are those of the importance weights; ``mean_weight`` is
    1 up to chance where all that the policy does was logged often enough; ``unlogged`` is the share of the
    policy's choices whose arms the log never draws in such a row, None where that was not logged. With "too
    little" no estimate is to be believed.
    """

    effective_sample_size: float
    largest_weight: float
    mean_weight: float
    matching_rows: int
    unlogged: float | None
    verdict: Verdict
    warnings: tuple[str, ...]


def overlap(log: Log, target: ArrayLike) -> Overlap:
    """Return how much of a log speaks about a target, with words for what is missing."""
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
    return Overlap(
        effective,
        float(weights.max()),
        mean,
        int((weights > 0.0).sum()),
        unlogged,
        verdict,
        (*fatal, *weak),
    )
