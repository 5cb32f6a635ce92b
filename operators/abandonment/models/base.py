"""What every model of the table is: a River classifier of yes or no whose question leaves it as it was."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from river import base

Features = Mapping[Any, Any]  # a name to a number, a word or a boolean; None and NaN are gaps


class Model(base.Classifier):
    """A River classifier that answers with the probability of True and honours a lesson's weight."""

    @abstractmethod
    def probability(self, x: Features) -> float:
        """The probability of True, strictly between 0 and 1; changes nothing."""

    @abstractmethod
    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the probability was before this lesson was learned; a weight of zero teaches nothing."""

    def predict_proba_one(self, x: Features, **_kwargs: object) -> dict[Any, float]:
        """The probabilities of False and True."""
        p = self.probability(x)
        return {False: 1.0 - p, True: p}

    def learn_one(self, x: Features, y: object, w: float = 1.0) -> None:
        """Learn one lesson, anything true being True."""
        self.lesson(x, bool(y), w)

    def forget(self) -> None:
        """Hold on to what was learned less firmly, so that the next lessons count as early ones do."""
