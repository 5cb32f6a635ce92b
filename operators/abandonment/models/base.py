"""What every model of the table is: a River classifier of True and False that predicting leaves unchanged."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from river import base

Features = Mapping[Any, Any]
"""A name to a number, a word or a boolean; None and NaN are missing values."""


class LinearSum(NamedTuple):
    """What each feature adds to a sum of which a probability is a rising function, and the constant.

    ``unit``: the sum is that of log-odds, or of standard deviations of a normal distribution (probits).
    """

    unit: Literal["log_odds", "probits"]
    constant: float
    features: dict[str, float]


class BinaryClassifier(base.Classifier):
    """A River classifier that returns the probability of True and takes weighted updates."""

    @abstractmethod
    def probability(self, x: Features) -> float:
        """The probability of True, strictly between 0 and 1; changes nothing."""

    @abstractmethod
    def predict_then_learn(self, x: Features, y: bool, w: float) -> float:
        """The probability of True as it was before learning that ``y`` is the truth.

        ``w``, at least 0, is the weight of the update; with 0 nothing is learned.
        """

    def contributions(self, x: Features) -> LinearSum | None:
        """What each feature adds to the prediction before calibration; None where that is no sum."""
        del x
        return None

    def predict_proba_one(self, x: Features, **_kwargs: object) -> dict[Any, float]:
        """The probabilities of False and True."""
        p = self.probability(x)
        return {False: 1.0 - p, True: p}

    def learn_one(self, x: Features, y: object, w: float = 1.0) -> None:
        """Learn from one outcome; any true ``y`` is True."""
        self.predict_then_learn(x, bool(y), w)

    def forget(self) -> None:
        """Trust what was learned less, so that the next updates count like early ones."""
