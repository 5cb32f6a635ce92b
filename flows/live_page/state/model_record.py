"""How good the abandonment model has been: predicted against true shares, and drifts."""

from collections import deque
from typing import Final, NamedTuple

from schemas.decisions import Drift, Outcome

BINS: Final = 10
DRIFTS_KEPT: Final = 20
FADES: Final = 1 - 1 / 2000
"""Older outcomes fade: shares are over about two thousand of them, as in the worker's own figures."""


class Bin(NamedTuple):
    """Carts of about the same score: how many, faded, their mean score, and the share that was left."""

    weight: float
    predicted: float
    abandoned: float


class ModelRecord:
    """Outcomes of carts without an offer before, by tenth of score. Bounded by bins and ``DRIFTS_KEPT``."""

    def __init__(self) -> None:
        self.outcomes = 0
        self.drifts: deque[Drift] = deque(maxlen=DRIFTS_KEPT)
        self.drift_count = 0
        self._sums = [[0.0, 0.0, 0.0] for _ in range(BINS)]

    def add_drift(self, drift: Drift) -> None:
        """Add a drift."""
        self.drifts.append(drift)
        self.drift_count += 1

    def add_outcome(self, outcome: Outcome) -> None:
        """Add an outcome that the model predicted; one after an offer is left out, as it is from training."""
        predicted = outcome.abandonment
        if predicted is None or outcome.treated or outcome.kind == "recovered":
            return
        self.outcomes += 1
        for sums in self._sums:
            for place in range(3):
                sums[place] *= FADES
        sums = self._sums[min(int(predicted * BINS), BINS - 1)]
        for place, value in enumerate((1.0, predicted, float(outcome.kind == "abandoned"))):
            sums[place] += value

    def bins(self, least: float = 3.0) -> list[Bin]:
        """Return the tenths that hold at least so much weight."""
        return [
            Bin(weight, predicted / weight, abandoned / weight)
            for weight, predicted, abandoned in self._sums
            if weight >= least
        ]
