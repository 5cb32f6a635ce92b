"""Drift: which of the figures that a model lives by moved to another level, when, and from where to where."""

from math import exp, log
from typing import Final, NamedTuple

from river import drift

from operators.abandonment.cusum import Cusum
from operators.abandonment.label_delay import AT_ONCE, Settling, When
from operators.abandonment.models import Features
from operators.abandonment.models.encoding import Encoder

WARM_UP: Final = 500
MOST_GAUGES: Final = 64
SURENESS: Final = 1e-4
LEAST: Final = 0.1
ENOUGH: Final = 50
WORST_LOSS: Final = 4.0
# What moves with the clock, or grows while the shop comes to know its visitors, is no news.
RESTLESS: Final = ("hour_sin", "hour_cos", "weekend", "visits_before", "known_user")


class Drift(NamedTuple):
    """A figure moved: ``what`` is log_loss (nats), base_rate, or feature:NAME.

    ``before`` and ``after`` of a feature are its level between 0 and 1, a half being its mean when the watch
    began; of a word, ``feature:device=mobile``, its share.
    """

    what: str
    before: float
    after: float


class Gauge:
    """One figure between 0 and 1, watched by River's ADWIN (Bifet and Gavalda 2007).

    The first 500 values set its level. A change is told once it is both certain and large: ADWIN found one
    since the level last told, and the mean of what came after it, over at least 50 values, is ``LEAST`` away.
    Bounded by ADWIN's own window, whose buckets grow with the logarithm of the values.
    """

    __slots__ = ("detector", "level", "moved", "only_up", "seen")

    def __init__(self, only_up: bool = False) -> None:
        self.detector = drift.ADWIN(delta=SURENESS)
        self.level: float | None = None
        self.moved = False
        self.only_up = only_up
        self.seen = 0

    def settle(self) -> None:
        """Take the present mean for the level from which a change is told."""
        self.level, self.moved = self.detector.estimation, False

    def update(self, value: float) -> tuple[float, float] | None:
        """The levels before and after, when this value makes a change certain."""
        self.detector.update(value)
        self.seen += 1
        if self.seen == WARM_UP:
            self.settle()
        elif self.detector.drift_detected:
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

    The first 500 outcomes set the levels and the scale of every feature, 500 more the features' levels; what
    comes later is compared with them. The base rate and the features are those of all carts: which of them
    get no offer changes while a policy learns, and the shop does not. The base rate is that of carts in the
    order of their moments, told ``settle_s`` after them. Bounded by 64 features and words, and as
    ``Settling`` is.
    """

    def __init__(self, settle_s: float = 0.0, restless: tuple[str, ...] = RESTLESS) -> None:
        self.restless = restless
        self.settling = Settling(settle_s)
        self.outcomes = 0
        self.scale = Encoder()
        self.loss = Gauge(only_up=True)
        self.rate = Cusum()
        self.features: dict[str, Gauge] = {}

    def observe(
        self, predicted: float, abandoned: bool, features: Features, treated: bool, when: When = AT_ONCE
    ) -> list[Drift]:
        """The drifts that this outcome makes certain; the loss of a ``treated`` cart says nothing."""
        self.outcomes += 1
        told = {"base_rate": self._rated(self.settling.take(abandoned, when))}
        if not treated:
            told["log_loss"] = self._surprise(predicted if abandoned else 1.0 - predicted)
        if self.outcomes > WARM_UP:
            told.update(self._compare(features))
        else:
            self.scale.learn(features)
            if self.outcomes == WARM_UP:
                names = (*self.scale.numbers, *self.scale.words)
                kept = [name for name in names if name not in self.restless][:MOST_GAUGES]
                self.features = {name: Gauge() for name in kept}
        return [Drift(what, *levels) for what, levels in told.items() if levels is not None]

    def _rated(self, settled: list[bool]) -> tuple[float, float] | None:
        moved = [levels for each in settled if (levels := self.rate.update(each)) is not None]
        return (moved[0][0], moved[-1][1]) if moved else None

    def _surprise(self, given: float) -> tuple[float, float] | None:
        levels = self.loss.update(min(-log(max(given, 1e-15)), WORST_LOSS) / WORST_LOSS)
        return None if levels is None else (levels[0] * WORST_LOSS, levels[1] * WORST_LOSS)

    def _compare(self, features: Features) -> dict[str, tuple[float, float] | None]:
        scaled, numbers = self.scale.scaled(features), self.scale.numbers
        told = {}
        for name, gauge in self.features.items():
            value = scaled.get(name, 0.0)
            level = 1.0 / (1.0 + exp(-1.7 * value)) if name in numbers else value
            told[f"feature:{name}"] = gauge.update(level)
        return told
