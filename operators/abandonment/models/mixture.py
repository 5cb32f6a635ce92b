"""Several models side by side, served as one: a Bayesian mixture that follows whichever predicts best."""

from typing import Any, Self

from operators.abandonment.models.base import Features, Model
from operators.abandonment.models.stack import Stack


class Mixture(Model):
    """The average of the models and of their stack, each weighted by how well it predicted so far.

    The weights are those of Herbster and Warmuth's fixed share (1998) under log loss: the mixture's total
    loss is within ``log(models + 1)`` of the best one's, and ``share`` of each outcome, and lets another take
    over after a drift. The stack may be better than every model, and the best model than a stack that has
    not learned yet.
    """

    def __init__(self, models: tuple[Model, ...], share: float = 0.0003) -> None:
        self.models = models
        self.share = share
        self._begin()

    def _begin(self) -> None:
        self.stack = Stack(len(self.models))
        self.trust = [1.0 / (len(self.models) + 1)] * (len(self.models) + 1)

    def probability(self, x: Features) -> float:
        """The probability of True; changes nothing."""
        given = [m.probability(x) for m in self.models]
        return sum(t * q for t, q in zip(self.trust, (*given, self.stack(given)), strict=True))

    def lesson(self, x: Features, y: bool, w: float) -> float:
        """What the probability was; each model is then trusted by what it gave the truth."""
        given = [m.lesson(x, y, w) for m in self.models]
        given.append(self.stack.lesson(given, y, w))
        p = sum(t * q for t, q in zip(self.trust, given, strict=True))
        if w > 0.0:
            likely = [q if y else 1.0 - q for q in given]
            trust = [t * q ** min(w, 1.0) for t, q in zip(self.trust, likely, strict=True)]
            total, floor = sum(trust), self.share / len(trust)
            self.trust = [(1.0 - self.share) * t / total + floor for t in trust]
        return p

    def forget(self) -> None:
        """Let each model forget in its way, stack them anew, and trust all alike."""
        for model in self.models:
            model.forget()
        self._begin()

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """A mixture of the same models that learned nothing yet; River clones no models inside a tuple."""
        fresh = {"models": tuple(model.clone() for model in self.models)}
        return super().clone(fresh | (new_params or {}), include_attributes)
