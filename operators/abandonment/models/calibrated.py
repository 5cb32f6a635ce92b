"""Any model of the table with its probabilities calibrated."""

from typing import Any, Final, Self

from operators.abandonment.calibration.histogram_calibration import HistogramCalibration
from operators.abandonment.calibration.tracking_calibration import TrackingCalibration, log_odds
from operators.abandonment.models.base import BinaryClassifier, Features, LinearSum

PRIOR: Final = (0.8, 0.1, 0.1)
"""The weights of the raw, monotone and free probability before any outcome."""


class CalibratedClassifier(BinaryClassifier):
    """A classifier behind an online calibration that is used as far as it has proved itself.

    The raw probability, that on a monotone curve and that on a free one are weighted by how well each
    predicted so far, as in the mixture (Herbster and Warmuth 1998), the raw one four to one before anything
    is known: a classifier that is right is left alone, and its order only given up where that predicts
    better. The errors of the three together are tracked and made good. River has no calibration. Bounded by
    the classifier.
    """

    def __init__(self, classifier: BinaryClassifier, share: float = 0.0005) -> None:
        self.classifier = classifier
        self.share = share
        self._begin()

    def _begin(self) -> None:
        self.histogram = HistogramCalibration()
        self.weights = PRIOR
        self.tracking = TrackingCalibration()

    def probability(self, x: Features) -> float:
        """The calibrated probability of True; changes nothing."""
        raw = self.classifier.probability(x)
        return self.tracking.calibrated(self._mixed((raw, *self.histogram.curves(log_odds(raw), raw))))

    def contributions(self, x: Features) -> LinearSum | None:
        """What each feature adds to the raw prediction."""
        return self.classifier.contributions(x)

    def predict_then_learn(self, x: Features, y: bool, w: float) -> float:
        """The calibrated probability before this update, from whose raw one every part learns."""
        raw = self.classifier.predict_then_learn(x, y, w)
        odds = log_odds(raw)
        candidates = (raw, *self.histogram.curves(odds, raw))
        mixed = self._mixed(candidates)
        p = self.tracking.calibrated(mixed)
        if w > 0.0:
            self.tracking.learn(mixed, y, w)
            self.histogram.learn(odds, raw, y, w)
            self._weigh(candidates, y, min(w, 1.0))
        return p

    def forget(self) -> None:
        """Let the classifier forget in its way, and calibrate anew."""
        self.classifier.forget()
        self._begin()

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """The same with nothing learned yet; the classifier inside is cloned its own way."""
        return super().clone({"classifier": self.classifier.clone()} | (new_params or {}), include_attributes)

    def _mixed(self, candidates: tuple[float, float, float]) -> float:
        (of_raw, of_monotone, of_free), (raw, monotone, free) = self.weights, candidates
        return of_raw * raw + of_monotone * monotone + of_free * free

    def _weigh(self, candidates: tuple[float, float, float], y: bool, w: float) -> None:
        raw, monotone, free = (
            weight * (p if y else 1.0 - p) ** w for weight, p in zip(self.weights, candidates, strict=True)
        )
        kept = (1.0 - self.share) / (raw + monotone + free)
        floors = [self.share * weight for weight in PRIOR]
        self.weights = (kept * raw + floors[0], kept * monotone + floors[1], kept * free + floors[2])
