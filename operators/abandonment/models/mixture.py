"""Several classifiers side by side, served as one: a mixture that follows whichever predicts best."""

from typing import Any, Self

from operators.abandonment.models.base import BinaryClassifier, Features
from operators.abandonment.models.stack import Stack


class MixtureClassifier(BinaryClassifier):
    """The average of classifiers and of their stack, each weighted by how well it predicted so far.

    The weights are those of Herbster and Warmuth's fixed share (1998) under log loss: the mixture's total
    loss is within ``log(classifiers + 1)`` of the best one's, and ``share`` of each outcome, and lets another
    take over after a drift. The stack may be better than every classifier, and the best classifier than a
    stack that has not learned yet.

    River averages regressors only (``EWARegressor``), and without a share, which would raise the log loss
    after a drift from 0.4075 to 0.4088 ("Agrawal 1, then 4" of docs/models.md). Bounded by the classifiers.
    """

    def __init__(self, classifiers: tuple[BinaryClassifier, ...], share: float = 0.0003) -> None:
        self.classifiers = classifiers
        self.share = share
        self._begin()

    def _begin(self) -> None:
        self.stack = Stack(len(self.classifiers))
        self.weights = [1.0 / (len(self.classifiers) + 1)] * (len(self.classifiers) + 1)

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        given = [each.probability(x) for each in self.classifiers]
        return sum(t * q for t, q in zip(self.weights, (*given, self.stack.probability(given)), strict=True))

    def predict_then_learn(self, x: Features, y: bool, w: float) -> float:
        """The probability before this update; each weight then grows with the probability of the truth."""
        given = [each.predict_then_learn(x, y, w) for each in self.classifiers]
        given.append(self.stack.predict_then_learn(given, y, w))
        p = sum(t * q for t, q in zip(self.weights, given, strict=True))
        if w > 0.0:
            likelihoods = [q if y else 1.0 - q for q in given]
            weights = [t * q ** min(w, 1.0) for t, q in zip(self.weights, likelihoods, strict=True)]
            total, floor = sum(weights), self.share / len(weights)
            self.weights = [(1.0 - self.share) * t / total + floor for t in weights]
        return p

    def forget(self) -> None:
        """Let each classifier forget in its way, stack them anew, and weight all alike."""
        for each in self.classifiers:
            each.forget()
        self._begin()

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """A mixture of the same classifiers with nothing learned yet; River clones none inside a tuple."""
        fresh = {"classifiers": tuple(each.clone() for each in self.classifiers)}
        return super().clone(fresh | (new_params or {}), include_attributes)
