"""The abandonment machine of one market: it scores carts, learns what became of them, and judges itself."""

import pickle
from math import isfinite
from typing import Final, Self

from operators import models
from operators.models import Features
from operators.quality import Quality

FORMAT: Final = 1


class Abandonment:
    """One model of the table with its lessons counted and its predictions judged.

    ``version`` counts the lessons. Bounded by the model and by two windows of outcomes.
    """

    def __init__(self, name: str = "logistic") -> None:
        self.name = name
        self.version = 0
        self.model = models.build(name)
        self.untreated = Quality()
        self.treated = Quality()

    def score(self, features: Features) -> float:
        """The probability that this cart is abandoned; asking teaches nothing."""
        return self.model.probability(features)

    def learn(self, features: Features, abandoned: bool, weight: float = 1.0) -> float:
        """What the model predicted before it learned that the cart was abandoned, or was not."""
        if not (isfinite(weight) and weight >= 0.0):
            raise ValueError(f"the weight of a lesson must be finite and not negative; got {weight!r}")
        predicted = self.model.lesson(features, abandoned, weight)
        self.untreated.record(predicted, abandoned)
        self.version += 1
        return predicted

    def observe_treated(self, features: Features, abandoned: bool) -> float:
        """What the model predicts for a cart that had an offer; judged apart, nothing learned."""
        predicted = self.model.probability(features)
        self.treated.record(predicted, abandoned)
        return predicted

    def figures(self) -> dict[str, float]:
        """``lessons`` and the rolling figures, those of treated carts with ``treated_`` before them."""
        said = {"lessons": float(self.version), **self.untreated.figures()}
        said["treated_outcomes"] = float(self.treated.seen)
        said.update({f"treated_{name}": value for name, value in self.treated.figures().items()})
        return said

    def dumps(self) -> bytes:
        """Everything remembered, as bytes that ``loads`` takes."""
        model = pickle.dumps(self.model, protocol=5)
        state = (FORMAT, self.name, self.version, model, self.untreated.state(), self.treated.state())
        return pickle.dumps(state, protocol=5)

    @classmethod
    def loads(cls, data: bytes) -> Self:
        """The machine that ``dumps`` wrote down; raises ValueError for another format."""
        found, *state = pickle.loads(data)  # noqa: S301 - our own snapshot, from our own state directory
        if found != FORMAT:
            raise ValueError(f"the abandonment state must be of format {FORMAT}; got {found!r}")
        name, version, model, untreated, treated = state
        machine = cls(name)
        machine.version = version
        machine.model = pickle.loads(model)  # noqa: S301 - as above
        machine.untreated = Quality.load(untreated)
        machine.treated = Quality.load(treated)
        return machine
