"""Any model of the table with its probabilities set right."""

from operators.calibration import Bend, Platt, odds
from operators.models.base import Features, Model


class Calibrated(Model):
    """A model behind an online calibration curve, and a broken line for what the curve leaves over."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.curve = Platt()
        self.bend = Bend()

    def probability(self, x: Features) -> float:
        """The calibrated probability of True; changes nothing."""
        return self.bend(self.curve(odds(self.model.probability(x))))

    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the calibrated probability was; curve and line learn from what the model said."""
        said = odds(self.model.lesson(x, y, w))
        curved = self.curve(said)
        p = self.bend(curved)
        if w > 0.0:
            self.curve.learn(said, y, w)
            self.bend.learn(curved, y, w)
        return p
