"""Drift: which of the figures that a model lives by moved to another level, when, and from where to where."""

import pickle
from math import exp, log
from typing import Final, NamedTuple, Self

from river import drift

from operators.models import Features
from operators.models.encoding import Encoder

FORMAT: Final = 1
WARM_UP: Final = 500
MOST_GAUGES: Final = 64
SURENESS: Final = 1e-4
LEAST: Final = 0.1
ENOUGH: Final = 50
WORST_LOSS: Final = 4.0
# What moves with the clock, or grows while the shop comes to know its visitors, is no news.
RESTLESS: Final = ("hour_sin", "hour_cos", "visits_before", "known_user")


class Drift(NamedTuple):
    """A figure moved: ``log_loss`` (nats), ``base_rate``, or a feature by its name.

    ``before`` and ``after`` of a feature are its level between 0 and 1, a half being its mean when the watch
    began; of a word, ``device=mobile``, its share.
    """

    name: str
    at_s: float
    before: float
    after: float


class Gauge:
    """One figure between 0 and 1, watched by River's ADWIN (Bifet and Gavalda 2007).

    A change is told once it is both certain and large: ADWIN found one since the level last told, and the
    mean of what came after it, over at least 50 values, is ``LEAST`` away. Bounded by ADWIN's own window.
    """

    __slots__ = ("detector", "level", "moved", "only_up")

    def __init__(self, only_up: bool = False) -> None:
        self.detector = drift.ADWIN(delta=SURENESS)
        self.level: float | None = None
        self.moved = False
        self.only_up = only_up

    def settle(self) -> None:
        """Take the present mean for the level from which a change is told."""
        self.level, self.moved = self.detector.estimation, False

    def update(self, value: float) -> tuple[float, float] | None:
        """The levels before and after, when this value makes a change certain."""
        self.detector.update(value)
        if self.detector.drift_detected:
            self.moved = True
            return None  # the detector forgets what came before with the next value
        if self.level is None or not self.moved or self.detector.width < ENOUGH:
            return None
        before, after = self.level, self.detector.estimation
        if abs(after - before) < LEAST:
            return None
        self.settle()
        return None if self.only_up and after < before else (before, after)


class Watch:
    """The gauges of one model: its log loss (told when it rises), the base rate and the features it is fed.

    The first 500 outcomes set the levels and the scale of every feature; what comes later is compared with
    them. Bounded by 64 features and words.
    """

    def __init__(self, restless: tuple[str, ...] = RESTLESS) -> None:
        self.restless = restless
        self.outcomes = 0
        self.scale = Encoder()
        self.loss = Gauge(only_up=True)
        self.rate = Gauge()
        self.features: dict[str, Gauge] = {}

    def observe(self, at_s: float, predicted: float, abandoned: bool, features: Features) -> list[Drift]:
        """The drifts that this outcome makes certain."""
        self.outcomes += 1
        surprise = -log(max(predicted if abandoned else 1.0 - predicted, 1e-15))
        told = {
            "log_loss": self.loss.update(min(surprise, WORST_LOSS) / WORST_LOSS),
            "base_rate": self.rate.update(float(abandoned)),
        }
        if self.outcomes <= WARM_UP:
            self.scale.learn(features)
        else:
            told.update(self._compare(features))
        if self.outcomes == WARM_UP:
            self.loss.settle()
            self.rate.settle()
            names = (*self.scale.numbers, *self.scale.words)
            kept = [name for name in names if name not in self.restless][:MOST_GAUGES]
            self.features = {name: Gauge() for name in kept}
        unit = {"log_loss": WORST_LOSS}
        return [
            Drift(name, at_s, levels[0] * unit.get(name, 1.0), levels[1] * unit.get(name, 1.0))
            for name, levels in told.items()
            if levels is not None
        ]

    def _compare(self, features: Features) -> dict[str, tuple[float, float] | None]:
        scaled, numbers = self.scale.scaled(features), self.scale.numbers
        told = {}
        for name, gauge in self.features.items():
            value = scaled.get(name, 0.0)
            told[name] = gauge.update(1.0 / (1.0 + exp(-1.7 * value)) if name in numbers else value)
            if self.outcomes == 2 * WARM_UP:
                gauge.settle()
        return told

    def dumps(self) -> bytes:
        """Everything remembered, as bytes that ``loads`` takes."""
        return pickle.dumps((FORMAT, pickle.dumps(self, protocol=5)), protocol=5)

    @classmethod
    def loads(cls, data: bytes) -> Self:
        """The watch that ``dumps`` wrote down; raises ValueError for another format."""
        found, watch = pickle.loads(data)  # noqa: S301 - our own snapshot, from our own state directory
        if found != FORMAT:
            raise ValueError(f"the drift state must be of format {FORMAT}; got {found!r}")
        watch = pickle.loads(watch)  # noqa: S301 - as above
        if not isinstance(watch, cls):
            raise TypeError(f"the drift state must hold a Watch; got {type(watch).__name__}")
        return watch
