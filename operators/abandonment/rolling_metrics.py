"""How good probabilities were lately: exact rolling AUC, log loss and calibration error over a window."""

from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

WINDOW: Final = 2_000
BINS: Final = 10


class Quality:
    """The last outcomes beside what was predicted for them.

    Bounded by ``window`` pairs. Recording costs nothing to speak of; figures are computed when asked.
    """

    __slots__ = ("predicted", "seen", "truth")

    def __init__(self, window: int = WINDOW) -> None:
        self.seen = 0
        self.predicted = np.zeros(window)
        self.truth = np.zeros(window, dtype=bool)

    def record(self, p: float, y: bool) -> None:
        """Remember one outcome and the probability that was given to it."""
        place = self.seen % len(self.truth)
        self.predicted[place] = p
        self.truth[place] = y
        self.seen += 1

    def figures(self) -> dict[str, float]:
        """The window's auc, log_loss, calibration_error and base_rate, those that exist yet."""
        kept = min(self.seen, len(self.truth))
        if not kept:
            return {}
        p, y = self.predicted[:kept], self.truth[:kept]
        said = {
            "log_loss": log_loss(p, y),
            "calibration_error": calibration_error(p, y),
            "base_rate": float(y.mean()),
        }
        if y.any() and not y.all():
            said["auc"] = auc(p, y)
        return said

    def state(self) -> tuple[int, int, bytes, bytes]:
        """What ``load`` takes: outcomes seen, the window's length, the predictions and truths kept in it."""
        kept = min(self.seen, len(self.truth))
        return self.seen, len(self.truth), self.predicted[:kept].tobytes(), self.truth[:kept].tobytes()

    @classmethod
    def load(cls, state: tuple[int, int, bytes, bytes]) -> Self:
        """The window whose ``state`` this is."""
        seen, window, predicted, truth = state
        quality = cls(window)
        quality.seen = seen
        kept = min(seen, window)
        quality.predicted[:kept] = np.frombuffer(predicted)
        quality.truth[:kept] = np.frombuffer(truth, dtype=bool)
        return quality


def auc(p: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """The chance that a true one was given more than a false one, ties counted half; needs one of each."""
    _, places, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    yes = int(y.sum())
    return float((ranks[y].sum() - yes * (yes + 1) / 2) / (yes * (len(y) - yes)))


def log_loss(p: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """The mean surprise in nats."""
    given = np.where(y, p, 1.0 - p)
    return float(-np.log(np.maximum(given, 1e-15)).mean())


def calibration_error(p: NDArray[np.float64], y: NDArray[np.bool_], bins: int = BINS) -> float:
    """The expected calibration error over bins of equal width, weighted by their counts."""
    places = np.minimum((p * bins).astype(np.intp), bins - 1)
    gaps = np.bincount(places, weights=p - y, minlength=bins)
    return float(np.abs(gaps).sum() / len(p))
