"""Any model of the table with its probabilities set right."""

from typing import Any, Final, Self

from operators.abandonment.calibration.histogram_calibration import Bend
from operators.abandonment.calibration.tracking_calibration import Tracking, odds
from operators.abandonment.models.base import Features, Model

FIRST: Final = (0.8, 0.1, 0.1)
"""The trust in the model's own word, the rising line, the free line before any outcome."""


class Calibrated(Model):
    """A model behind an online calibration that is used as far as it has proved itself.

    The model's own word, the same word on a line that never falls, and on a free line, are weighed by how
    well each predicted so far, as in the mixture (Herbster and Warmuth 1998), its own by four to one before
    anything is known: a model that is right is left alone, and its order only given up where that predicts
    better. What the three together have missed is tracked and made good. Bounded by the model.
    """

    def __init__(self, model: Model, share: float = 0.0005) -> None:
        self.model = model
        self.share = share
        self._begin()

    def _begin(self) -> None:
        self.bend = Bend()
        self.trust = FIRST
        self.tracking = Tracking()

    def probability(self, x: Features) -> float:
        """The calibrated probability of True; changes nothing."""
        said = self.model.probability(x)
        return self.tracking(self._mixed((said, *self.bend(odds(said), said))))

    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the calibrated probability was; every part then learns from what the model said."""
        said = self.model.lesson(x, y, w)
        given = odds(said)
        words = (said, *self.bend(given, said))
        mixed = self._mixed(words)
        p = self.tracking(mixed)
        if w > 0.0:
            self.tracking.learn(mixed, y, w)
            self.bend.learn(given, said, y, w)
            self._weigh(words, y, min(w, 1.0))
        return p

    def forget(self) -> None:
        """Let the model forget in its way, and calibrate anew."""
        self.model.forget()
        self._begin()

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """The same with nothing learned yet; the model inside is cloned its own way."""
        return super().clone({"model": self.model.clone()} | (new_params or {}), include_attributes)

    def _mixed(self, words: tuple[float, float, float]) -> float:
        (own, up, any_way), (said, rising, free) = self.trust, words
        return own * said + up * rising + any_way * free

    def _weigh(self, words: tuple[float, float, float], y: bool, w: float) -> None:
        own, up, any_way = (
            trust * (word if y else 1.0 - word) ** w for trust, word in zip(self.trust, words, strict=True)
        )
        kept = (1.0 - self.share) / (own + up + any_way)
        first, *_, line = (self.share * trust for trust in FIRST)
        self.trust = (kept * own + first, kept * up + line, kept * any_way + line)
