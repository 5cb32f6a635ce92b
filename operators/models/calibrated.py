"""Any model of the table with its probabilities set right."""

from typing import Any, Self

from operators.bend import Bend
from operators.calibration import Platt, Tracking, odds
from operators.models.base import Features, Model


class Calibrated(Model):
    """A model behind an online calibration that is used as far as it has proved itself.

    The model's own word and the same word bent (Platt's curve, then a free line) are weighed by how well each
    predicted so far, as in the mixture (Herbster and Warmuth 1998), so that a model that is right already is
    left alone; what both have missed is tracked and made good. Bounded by the model.
    """

    def __init__(self, model: Model, share: float = 0.0005) -> None:
        self.model = model
        self.share = share
        self._begin()

    def _begin(self) -> None:
        self.curve = Platt()
        self.bend = Bend()
        self.trust = 0.5  # in the bent word, the rest in the model's own
        self.tracking = Tracking()

    def probability(self, x: Features) -> float:
        """The calibrated probability of True; changes nothing."""
        said = self.model.probability(x)
        bent = self.bend(self.curve(odds(said)))
        return self.tracking(said + self.trust * (bent - said))

    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the calibrated probability was; every part then learns from what the model said."""
        said = self.model.lesson(x, y, w)
        given = odds(said)
        curved = self.curve(given)
        bent = self.bend(curved)
        mixed = said + self.trust * (bent - said)
        p = self.tracking(mixed)
        if w > 0.0:
            self.tracking.learn(mixed, y, w)
            self.curve.learn(given, y, w)
            self.bend.learn(odds(curved), curved, y, w)
            self._weigh(said if y else 1.0 - said, bent if y else 1.0 - bent, min(w, 1.0))
        return p

    def forget(self) -> None:
        """Let the model forget in its way, and calibrate anew."""
        self.model.forget()
        self._begin()

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """The same with nothing learned yet; the model inside is cloned its own way."""
        return super().clone({"model": self.model.clone()} | (new_params or {}), include_attributes)

    def _weigh(self, said: float, bent: float, w: float) -> None:
        ours, own = self.trust * bent**w, (1.0 - self.trust) * said**w
        self.trust = (1.0 - self.share) * ours / (ours + own) + self.share / 2.0
