"""How a market went over time: profit of the policy and of the holdout, and how often each arm was chosen."""

import math
from collections import Counter
from datetime import datetime
from typing import Final, NamedTuple

from flows.studies.report.timeline import Timeline
from operators.experiments.clustered_ratio import ClusteredRatio, RatioInterval
from schemas.decisions import Decision, Reward

STEPS: Final = 60
MOST_ARMS: Final = 50
Z: Final = 1.959964


class CoursePoint(NamedTuple):
    """The mean profit per decision up to a time, with a pointwise 95 % interval."""

    at: datetime
    mean: float
    low: float
    high: float


class SharePoint(NamedTuple):
    """The shares of the arms among the decisions of a step of time."""

    at: datetime
    shares: dict[str, float]


class Course:
    """Sums of a market by step of time and by arm.

    Bounded by ``STEPS`` steps of ``MOST_ARMS`` arms, and by the groups of ``ClusteredRatio`` for each.
    """

    def __init__(self) -> None:
        self._profit: Timeline[tuple[bool, str]] = Timeline(STEPS)
        self._shares: Timeline[str] = Timeline(STEPS)
        self.chosen: Counter[str] = Counter()
        self.earned: dict[str, ClusteredRatio] = {}
        self.groups = {False: ClusteredRatio(), True: ClusteredRatio()}

    def add_decision(self, decision: Decision) -> None:
        """Count a decision that had a choice."""
        if decision.holdout or decision.reason not in (None, "shadow"):
            return
        if decision.arm in self.chosen or len(self.chosen) < MOST_ARMS:
            self.chosen[decision.arm] += 1
            self._shares.add(decision.at.seconds, decision.arm)

    def add_reward(self, reward: Reward) -> None:
        """Add a reward or a correction."""
        at_s, is_window, held_out = reward.at.seconds, int(reward.kind == "window"), reward.holdout
        self.groups[held_out].add(reward.visitor_id, reward.profit, is_window)
        self._profit.add(at_s, (held_out, "profit"), reward.profit)
        self._profit.add(at_s, (held_out, "squares"), reward.profit**2)
        self._profit.add(at_s, (held_out, "windows"), is_window)
        if not held_out and (reward.arm in self.earned or len(self.earned) < MOST_ARMS):
            earned = self.earned.setdefault(reward.arm, ClusteredRatio())
            earned.add(reward.visitor_id, reward.profit, is_window)

    def learning(self, *, held_out: bool) -> list[CoursePoint]:
        """Return the mean profit per decision of everything up to each step of time."""
        profit = squares = windows = 0.0
        points = []
        for at, sums in self._profit.steps():
            profit += sums.get((held_out, "profit"), 0.0)
            squares += sums.get((held_out, "squares"), 0.0)
            windows += sums.get((held_out, "windows"), 0.0)
            if windows:
                mean = profit / windows
                reach = Z * math.sqrt(max(squares / windows - mean**2, 0.0) / windows)
                points.append(CoursePoint(at, mean, mean - reach, mean + reach))
        return points

    def shares(self) -> list[SharePoint]:
        """Return the shares of the arms by step of time."""
        return [
            SharePoint(at, {arm: count / sum(sums.values()) for arm, count in sums.items()})
            for at, sums in self._shares.steps()
        ]

    def per_decision(self, arm: str) -> RatioInterval | None:
        """Return what a decision for an arm earned; None before a window has ended."""
        found = self.earned.get(arm)
        return None if found is None or not found.count else found.interval()
