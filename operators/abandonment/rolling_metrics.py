"""How good probabilities were lately: exact rolling AUC, log loss and calibration error over a window."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


class RollingMetrics:
    """The last outcomes beside the probabilities predicted for them.

    Recording takes two assignments; metrics are computed when asked for. River's ``RollingROCAUC`` counts
    ties in part only (2e-4 of AUC where predictions have two decimals), it has no calibration error, and with
    a rolling ``LogLoss`` it takes 96 KB of a snapshot, this 18. Bounded by ``window`` pairs.
    """

    __slots__ = ("count", "predicted", "truth")

    def __init__(self, window: int = 2_000) -> None:
        self.count = 0
        self.predicted = np.zeros(window)
        self.truth = np.zeros(window, dtype=bool)

    def record(self, p: float, y: bool) -> None:
        """Remember one outcome and the probability that was predicted for it."""
        place = self.count % len(self.truth)
        self.predicted[place] = p
        self.truth[place] = y
        self.count += 1

    def figures(self) -> dict[str, float]:
        """The window's auc, log_loss (nats), calibration_error and base_rate, those that exist yet."""
        kept = min(self.count, len(self.truth))
        if not kept:
            return {}
        p, y = self.predicted[:kept], self.truth[:kept]
        found = {
            "log_loss": log_loss(p, y),
            "calibration_error": calibration_error(p, y),
            "base_rate": float(y.mean()),
        }
        if y.any() and not y.all():
            found["auc"] = auc(p, y)
        return found

    def state(self) -> tuple[int, int, bytes, bytes]:
        """What ``load`` takes: outcomes recorded, the window's length, the pairs kept in it."""
        kept = min(self.count, len(self.truth))
        return self.count, len(self.truth), self.predicted[:kept].tobytes(), self.truth[:kept].tobytes()

    @classmethod
    def load(cls, state: tuple[int, int, bytes, bytes]) -> Self:
        """The window whose ``state`` this is."""
        count, window, predicted, truth = state
        metrics = cls(window)
        metrics.count = count
        kept = min(count, window)
        metrics.predicted[:kept] = np.frombuffer(predicted)
        metrics.truth[:kept] = np.frombuffer(truth, dtype=bool)
        return metrics


def auc(p: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """The probability that a true outcome was given more than a false one, ties counted half.

    Needs one outcome of each kind. Mann and Whitney's U over its greatest value, from scipy's ranks.
    """
    ranks = rankdata(p)
    yes = int(y.sum())
    return float((ranks[y].sum() - yes * (yes + 1) / 2) / (yes * (len(y) - yes)))


def log_loss(p: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """The mean of -log of the probability given to the truth, in nats."""
    given = np.where(y, p, 1.0 - p)
    return float(-np.log(np.maximum(given, 1e-15)).mean())


def calibration_error(p: NDArray[np.float64], y: NDArray[np.bool_], bins: int = 10) -> float:
    """The expected calibration error over bins of equal width, weighted by their counts."""
    places = np.minimum((p * bins).astype(np.intp), bins - 1)
    gaps = np.bincount(places, weights=p - y, minlength=bins)
    return float(np.abs(gaps).sum() / len(p))
