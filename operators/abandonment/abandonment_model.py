"""The abandonment model of one market: it scores carts, learns from their outcomes, and detects drift."""

import pickle
from math import isfinite
from typing import Final, Literal, NamedTuple, Self

from operators.abandonment import models
from operators.abandonment.challenger import Challenger
from operators.abandonment.drift import Drift, DriftMonitor
from operators.abandonment.label_delay import IMMEDIATE, OutcomeTimes
from operators.abandonment.models import Features, LinearSum
from operators.abandonment.rolling_metrics import RollingMetrics

FORMAT: Final = 6
QUIET_UPDATES: Final = 500

OnDrift = Literal["report", "forget", "reset"]
"""Only report it; or let coming updates count like early ones; or start a challenger that knows nothing."""


class UpdateResult(NamedTuple):
    """What an outcome brought: the prediction before it, the drifts it made certain, what they triggered."""

    predicted: float
    drifts: list[Drift]
    triggered: OnDrift = "report"


class AbandonmentModel:
    """One classifier of the table with its updates counted, its predictions measured and drift detected.

    ``version`` counts the updates. An incident moves many figures: after a drift has triggered something,
    nothing else is triggered for ``quiet_updates``. Bounded by the classifier and one challenger, the drift
    monitor and two windows of outcomes.

    Raises SetupError where the table has no classifier of that name.
    """

    def __init__(
        self,
        name: str = "logistic",
        on_drift: OnDrift = "report",
        label_delay_s: float = 0.0,
        quiet_updates: int = QUIET_UPDATES,
    ) -> None:
        self.name = name
        self.on_drift = on_drift
        self.quiet_updates = quiet_updates
        self.version = 0
        self.classifier = models.build(name)
        self.untreated = RollingMetrics()
        self.treated = RollingMetrics()
        self.drift_monitor = DriftMonitor(label_delay_s)
        self.challenger: Challenger | None = None
        self.quiet_until = 0

    def score(self, features: Features) -> float:
        """The probability that this cart is abandoned; changes nothing."""
        return self.classifier.probability(features)

    def contributions(self, features: Features) -> LinearSum | None:
        """What each feature adds to the score before calibration; None for a model that is not linear."""
        return self.classifier.contributions(features)

    def learn(
        self, features: Features, abandoned: bool, weight: float = 1.0, times: OutcomeTimes = IMMEDIATE
    ) -> UpdateResult:
        """What followed from learning whether the cart was abandoned.

        Raises ValueError for a weight that is negative or not finite.
        """
        if not (isfinite(weight) and weight >= 0.0):
            raise ValueError(f"the weight of an update must be finite and not negative; got {weight!r}")
        predicted = self.classifier.predict_then_learn(features, abandoned, weight)
        if self.challenger is not None:
            self.challenger.learn(features, abandoned, weight, predicted)
            self._let_the_better_serve(self.challenger)
        self.untreated.record(predicted, abandoned)
        self.version += 1
        drifts = self.drift_monitor.observe(predicted, abandoned, features, treated=False, times=times)
        return self._react(predicted, drifts)

    def observe_treated(
        self, features: Features, abandoned: bool, times: OutcomeTimes = IMMEDIATE
    ) -> UpdateResult:
        """What followed from a cart that had an offer, measured apart; the classifier learns nothing."""
        predicted = self.classifier.probability(features)
        self.treated.record(predicted, abandoned)
        drifts = self.drift_monitor.observe(predicted, abandoned, features, treated=True, times=times)
        return self._react(predicted, drifts)

    def _react(self, predicted: float, drifts: list[Drift]) -> UpdateResult:
        if not drifts or self.version < self.quiet_until or self.on_drift == "report":
            return UpdateResult(predicted, drifts)
        self.quiet_until = self.version + self.quiet_updates
        if self.on_drift == "forget":
            self.classifier.forget()
        else:
            self.challenger = Challenger(models.build(self.name))
        return UpdateResult(predicted, drifts, self.on_drift)

    def _let_the_better_serve(self, challenger: Challenger) -> None:
        if challenger.has_won:
            self.classifier = challenger.classifier
        if challenger.has_won or challenger.is_over:
            self.challenger = None

    def figures(self) -> dict[str, float]:
        """``updates`` and the rolling metrics, those of treated carts with ``treated_`` before them."""
        found = {"updates": float(self.version), **self.untreated.figures()}
        found["treated_outcomes"] = float(self.treated.count)
        found.update({f"treated_{name}": value for name, value in self.treated.figures().items()})
        return found

    def dumps(self) -> bytes:
        """Everything remembered, as bytes that ``loads`` takes."""
        parts = (self.classifier, self.challenger, self.drift_monitor)
        pickled = [
            pickle.dumps(part, protocol=5) for part in parts
        ]  # apart: they share no objects when loaded
        windows = (self.untreated.state(), self.treated.state())
        return pickle.dumps(
            (FORMAT, self.name, self.version, self.quiet_until, pickled, *windows), protocol=5
        )

    @classmethod
    def loads(
        cls,
        data: bytes,
        on_drift: OnDrift = "report",
        label_delay_s: float = 0.0,
        quiet_updates: int = QUIET_UPDATES,
    ) -> Self:
        """The model that ``dumps`` wrote down; raises ValueError for another format."""
        found, *state = pickle.loads(data)  # noqa: S301 - our own snapshot, from our own state directory
        if found != FORMAT:
            raise ValueError(f"the abandonment state must be of format {FORMAT}; got {found!r}")
        name, version, quiet_until, pickled, untreated, treated = state
        model = cls(name, on_drift, label_delay_s, quiet_updates)
        model.version = version
        model.quiet_until = quiet_until
        parts = [pickle.loads(part) for part in pickled]  # noqa: S301 - as above
        model.classifier, model.challenger, model.drift_monitor = parts
        model.drift_monitor.label_delay.delay_s = label_delay_s
        model.untreated = RollingMetrics.load(untreated)
        model.treated = RollingMetrics.load(treated)
        return model
