"""The abandonment machine of one market: it scores carts, learns what became of them, and judges itself."""

import pickle
from math import isfinite
from typing import Final, Literal, NamedTuple, Self

from operators.abandonment import models
from operators.abandonment.challenger import Challenger
from operators.abandonment.drift import Drift, Watch
from operators.abandonment.label_delay import AT_ONCE, When
from operators.abandonment.models import Features
from operators.abandonment.rolling_metrics import Quality

FORMAT: Final = 4
CALM: Final = 500
"""What one drift triggered is not triggered again for so many lessons: an incident moves many figures."""

OnDrift = Literal["report", "forget", "reset"]
"""Say it only; or let the model count coming lessons as early ones; or start a challenger with nothing."""


class Learned(NamedTuple):
    """What an outcome brought: what had been predicted, the drifts it made certain, what they triggered."""

    predicted: float
    drifts: list[Drift]
    triggered: OnDrift = "report"


class Abandonment:
    """One model of the table with its lessons counted, its predictions judged and its world watched.

    ``version`` counts the lessons. Bounded by the model and one challenger, the watch and two windows of
    outcomes.
    """

    def __init__(self, name: str = "logistic", on_drift: OnDrift = "report", settle_s: float = 0.0) -> None:
        self.name = name
        self.on_drift = on_drift
        self.version = 0
        self.model = models.build(name)
        self.untreated = Quality()
        self.treated = Quality()
        self.watch = Watch(settle_s)
        self.challenger: Challenger | None = None
        self.calm_until = 0

    def score(self, features: Features) -> float:
        """The probability that this cart is abandoned; asking teaches nothing."""
        return self.model.probability(features)

    def learn(
        self, features: Features, abandoned: bool, weight: float = 1.0, when: When = AT_ONCE
    ) -> Learned:
        """What followed from learning that the cart was abandoned, or was not."""
        if not (isfinite(weight) and weight >= 0.0):
            raise ValueError(f"the weight of a lesson must be finite and not negative; got {weight!r}")
        predicted = self.model.lesson(features, abandoned, weight)
        if self.challenger is not None:
            self.challenger.learn(features, abandoned, weight, predicted)
            self._let_the_better_serve(self.challenger)
        self.untreated.record(predicted, abandoned)
        self.version += 1
        drifts = self.watch.observe(predicted, abandoned, features, treated=False, when=when)
        return self._heed(predicted, drifts)

    def observe_treated(self, features: Features, abandoned: bool, when: When = AT_ONCE) -> Learned:
        """What followed from a cart that had an offer; judged apart, nothing learned."""
        predicted = self.model.probability(features)
        self.treated.record(predicted, abandoned)
        drifts = self.watch.observe(predicted, abandoned, features, treated=True, when=when)
        return self._heed(predicted, drifts)

    def _heed(self, predicted: float, drifts: list[Drift]) -> Learned:
        if not drifts or self.version < self.calm_until or self.on_drift == "report":
            return Learned(predicted, drifts)
        self.calm_until = self.version + CALM
        if self.on_drift == "forget":
            self.model.forget()
        else:
            self.challenger = Challenger(models.build(self.name))
        return Learned(predicted, drifts, self.on_drift)

    def _let_the_better_serve(self, challenger: Challenger) -> None:
        if challenger.has_won:
            self.model = challenger.model
        if challenger.has_won or challenger.is_over:
            self.challenger = None

    def figures(self) -> dict[str, float]:
        """``lessons`` and the rolling figures, those of treated carts with ``treated_`` before them."""
        said = {"lessons": float(self.version), **self.untreated.figures()}
        said["treated_outcomes"] = float(self.treated.seen)
        said.update({f"treated_{name}": value for name, value in self.treated.figures().items()})
        return said

    def dumps(self) -> bytes:
        """Everything remembered, as bytes that ``loads`` takes."""
        parts = (self.model, self.challenger, self.watch)
        held = [pickle.dumps(part, protocol=5) for part in parts]  # apart: what they share is no part of them
        judged = (self.untreated.state(), self.treated.state())
        return pickle.dumps((FORMAT, self.name, self.version, self.calm_until, held, *judged), protocol=5)

    @classmethod
    def loads(cls, data: bytes, on_drift: OnDrift = "report", settle_s: float = 0.0) -> Self:
        """The machine that ``dumps`` wrote down; raises ValueError for another format."""
        found, *state = pickle.loads(data)  # noqa: S301 - our own snapshot, from our own state directory
        if found != FORMAT:
            raise ValueError(f"the abandonment state must be of format {FORMAT}; got {found!r}")
        name, version, calm_until, held, untreated, treated = state
        machine = cls(name, on_drift, settle_s)
        machine.version = version
        machine.calm_until = calm_until
        parts = [pickle.loads(part) for part in held]  # noqa: S301 - as above
        machine.model, machine.challenger, machine.watch = parts
        machine.watch.settling.wait_s = settle_s
        machine.untreated = Quality.load(untreated)
        machine.treated = Quality.load(treated)
        return machine
