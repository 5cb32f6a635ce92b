"""What a market notices about itself: choices that collapsed or never settle, rewards that stay away."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from operators.experiments.unit_sketch import UnitSketch

MEMORY: Final = 500.0
"""Shares and entropies are over about the last so many decisions; older ones fade."""
ENOUGH: Final = 50.0
"""Decisions without which shares and entropies are not said."""
PRIOR: Final = (1.0, 50.0)
"""Orders and decisions that conversion is reckoned from before there are any."""


class Choices(msgspec.Struct, array_like=True):
    """Fading sums over decisions: arms drawn among several, how evenly, and those that had no choice.

    Bounded by the arms drawn lately.
    """

    arms: dict[str, float] = {}
    drawn: float = 0.0
    evenness: float = 0.0
    room: float = 0.0
    all: float = 0.0
    without: float = 0.0

    def add(self, arm: str, probabilities: Mapping[str, float], *, holdout: bool, no_arm: bool) -> None:
        """Add a decision. The holdout has no say in entropies: nothing was drawn there."""
        keep = 1.0 - 1.0 / MEMORY
        self.all = self.all * keep + 1.0
        self.without = self.without * keep + no_arm
        if holdout or len(probabilities) < 2:
            return
        room = math.log(len(probabilities))
        self.arms = {name: count * keep for name, count in self.arms.items() if count > 1e-3}
        self.arms[arm] = self.arms.get(arm, 0.0) + 1.0
        self.drawn = self.drawn * keep + 1.0
        self.evenness = self.evenness * keep + entropy(probabilities.values()) / room
        self.room = self.room * keep + room

    def figures(self) -> dict[str, float]:
        """The figures there are enough decisions for."""
        said = {}
        if self.all >= ENOUGH:
            said["no_eligible_arm_share"] = self.without / self.all
        if self.drawn >= ENOUGH:
            shares = [count / self.drawn for count in self.arms.values()]
            said["choice_entropy"] = min(entropy(shares) / (self.room / self.drawn), 1.0)
            said["probability_entropy"] = self.evenness / self.drawn
        return said


class Diagnosis(msgspec.Struct, array_like=True):
    """What one market noticed. Bounded as its parts are; times are event time."""

    choices: Choices = msgspec.field(default_factory=Choices)
    balance: UnitSketch = msgspec.field(default_factory=UnitSketch)
    lessons: int = 0
    ended: int = 0
    ordered: int = 0
    offers: int = 0
    silent_since_s: float | None = None
    latest_s: float | None = None

    def decided(self, at_s: float, *, offered: bool) -> None:
        """Note that time has come so far and whether an offer went out."""
        self.latest_s = at_s
        if self.silent_since_s is None:
            self.silent_since_s = at_s
        self.offers += offered

    def closed(self, *, teaches: bool, ordered: bool) -> None:
        """Note the end of a decision's window."""
        self.lessons += teaches
        self.ended += 1
        self.ordered += ordered

    def credited(self, at_s: float) -> None:
        """Note that an order was credited to a decision: rewards arrive."""
        self.silent_since_s = at_s
        self.offers = 0

    def figures(self, time_s: float, holdout: float | None) -> dict[str, float]:
        """The figures at the market's time, those that can be told yet.

        ``choice_entropy``: of the arms drawn, 0 (always the same) to 1 (all alike), divided by the log of
        how many were eligible. ``probability_entropy``: the mean of the same of each decision's
        probabilities. ``missed_rewards``: how many orders the offers since the last credited one should
        have brought by now, at the conversion so far. ``holdout_p_value``: how well the holdout's share of
        units fits ``holdout``.
        """
        said = self.choices.figures() | {"policy_lessons": float(self.lessons)}
        now_s = time_s if math.isfinite(time_s) else self.latest_s
        if self.silent_since_s is not None and now_s is not None:
            said["reward_silence_seconds"] = max(now_s - self.silent_since_s, 0.0)
            conversion = (self.ordered + PRIOR[0]) / (self.ended + PRIOR[1])
            said["missed_rewards"] = self.offers * conversion
        if (share := self.balance.share) is not None:
            said["holdout_share"] = share
            if holdout is not None:
                said["holdout_p_value"] = self.balance.p_value(holdout)
        return said


def entropy(shares: Iterable[float]) -> float:
    """The entropy of shares that sum to one, in nats.

    >>> round(entropy([0.5, 0.5]), 4)
    0.6931
    """
    return 0.0 - sum(share * math.log(share) for share in shares if share > 0.0)
