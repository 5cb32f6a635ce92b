"""Drift: which of the figures that a model depends on moved to another level, and from where to where."""

from math import exp, log
from typing import Final, NamedTuple

from operators.abandonment.cusum import Cusum
from operators.abandonment.label_delay import IMMEDIATE, LabelDelay, OutcomeTimes
from operators.abandonment.level_detector import LevelDetector, LevelSettings
from operators.abandonment.models import Features
from operators.abandonment.models.encoding import Encoder

WORST_LOSS: Final = 4.0
"""A log loss counts as this at most, in nats, and is divided by it: ADWIN expects values up to 1."""
IGNORED: Final = ("hour_sin", "hour_cos", "weekend", "visits_before", "known_user")
"""Features that move with the clock, or as the shop comes to know its visitors."""


class Drift(NamedTuple):
    """A figure moved: ``what`` is log_loss (nats), base_rate, or feature:NAME.

    ``before`` and ``after`` of a feature are its level between 0 and 1, a half being its mean in the first
    outcomes; of a word, ``feature:device=mobile``, its share.
    """

    what: str
    before: float
    after: float


class DriftMonitor:
    """The detectors of one model: its log loss (reported when it rises), the base rate and its features.

    The first ``levels.warm_up`` outcomes set the levels and the scale of every feature, as many more the
    features' levels; what comes later is compared with them. The base rate and the features are those of all
    carts: which of them get no offer changes while a policy learns, and the shop does not. The base rate is
    that of carts in the order of their moments, each ``label_delay_s`` after its moment. Bounded by
    ``max_features`` features and words, and as ``LabelDelay`` is.
    """

    def __init__(
        self,
        label_delay_s: float = 0.0,
        ignored: tuple[str, ...] = IGNORED,
        max_features: int = 64,
        levels: LevelSettings | None = None,
    ) -> None:
        self.ignored = ignored
        self.max_features = max_features
        self.levels = LevelSettings() if levels is None else levels
        self.label_delay = LabelDelay(label_delay_s)
        self.outcomes = 0
        self.encoder = Encoder()
        self.loss = LevelDetector(self.levels, only_up=True)
        self.base_rate = Cusum()
        self.features: dict[str, LevelDetector] = {}

    def observe(
        self,
        predicted: float,
        abandoned: bool,
        features: Features,
        treated: bool,
        times: OutcomeTimes = IMMEDIATE,
    ) -> list[Drift]:
        """The drifts that this outcome makes certain; of a ``treated`` cart the log loss is left out."""
        self.outcomes += 1
        drifts = self._compare_base_rate(self.label_delay.observe(abandoned, times))
        if not treated:
            drifts += self._compare_loss(predicted if abandoned else 1.0 - predicted)
        if self.outcomes > self.levels.warm_up:
            drifts += self._compare_features(features)
        else:
            self.encoder.learn(features)
            if self.outcomes == self.levels.warm_up:
                names = (*self.encoder.numbers, *self.encoder.words)
                kept = [name for name in names if name not in self.ignored][: self.max_features]
                self.features = {name: LevelDetector(self.levels) for name in kept}
        return drifts

    def _compare_base_rate(self, released: list[bool]) -> list[Drift]:
        changes = [levels for each in released if (levels := self.base_rate.update(each)) is not None]
        return [Drift("base_rate", changes[0][0], changes[-1][1])] if changes else []

    def _compare_loss(self, given: float) -> list[Drift]:
        levels = self.loss.update(min(-log(max(given, 1e-15)), WORST_LOSS) / WORST_LOSS)
        return [] if levels is None else [Drift("log_loss", levels[0] * WORST_LOSS, levels[1] * WORST_LOSS)]

    def _compare_features(self, features: Features) -> list[Drift]:
        scaled, numbers = self.encoder.scaled(features), self.encoder.numbers
        drifts = []
        for name, detector in self.features.items():
            value = scaled.get(name, 0.0)
            levels = detector.update(1.0 / (1.0 + exp(-1.7 * value)) if name in numbers else value)
            if levels is not None:
                drifts.append(Drift(f"feature:{name}", *levels))
        return drifts
