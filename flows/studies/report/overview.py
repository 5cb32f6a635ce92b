"""The key figures of a market: how much was decided, what came of it, and by whom."""

import math
from datetime import UTC, datetime
from typing import Final, NamedTuple

from flows.studies.report.arm_rewards import interval_text
from operators.experiments.clustered_ratio import ClusteredRatio
from schemas.decisions import Decision, Reward

MAX_POLICIES: Final = 5


class KeyFigure(NamedTuple):
    """A number and its name."""

    name: str
    value: str


class Overview:
    """Counts of decisions, and profit and conversion of both groups, clustered by visitor."""

    def __init__(self) -> None:
        self.decisions = self.offers = self.held_out = self.outside = 0
        self.profit = {False: ClusteredRatio(), True: ClusteredRatio()}
        self.conversion = {False: ClusteredRatio(), True: ClusteredRatio()}
        self.policies: set[str] = set()
        self.first_s, self.latest_s = math.inf, 0.0

    def observe_time(self, at_s: float) -> None:
        """Note that there is a record of this time."""
        self.first_s, self.latest_s = min(self.first_s, at_s), max(self.latest_s, at_s)

    def add_decision(self, decision: Decision) -> None:
        """Count a decision."""
        self.decisions += 1
        self.offers += decision.offer_id is not None
        self.held_out += decision.holdout
        self.outside += decision.canary is False
        if len(self.policies) < MAX_POLICIES:
            self.policies.add(decision.policy)

    def add_reward(self, reward: Reward) -> None:
        """Add a reward."""
        ended = reward.kind == "window"
        self.profit[reward.holdout].add(reward.visitor_id, reward.profit, int(ended))
        converted = float(ended and bool(reward.orders))
        self.conversion[reward.holdout].add(reward.visitor_id, converted, int(ended))

    def about(self) -> str:
        """Return from when to when there are records, and whose decisions they are."""
        if math.isinf(self.first_s):
            return "There is no record of this market."
        first, latest = (datetime.fromtimestamp(each, UTC) for each in (self.first_s, self.latest_s))
        span = f"{first:%Y-%m-%d %H:%M} to {latest:%Y-%m-%d %H:%M} UTC"
        policies = ", ".join(sorted(self.policies))
        return f"{span}; decided by {policies}." if policies else f"{span}."

    def figures(self) -> list[KeyFigure]:
        """Return the key figures."""
        figures = [
            KeyFigure("decisions", f"{self.decisions:,}"),
            KeyFigure("offers made", f"{self.offers:,}"),
            KeyFigure("held out", f"{self.held_out:,}"),
        ]
        if self.outside:
            figures.append(KeyFigure("outside of the canary, left out of what follows", f"{self.outside:,}"))
        for holdout, group in ((False, "policy"), (True, "holdout")):
            if self.profit[holdout].count:
                profit = interval_text(self.profit[holdout].interval())
                figures.append(KeyFigure(f"profit per decision, {group} (95 %)", profit))
                share = f"{self.conversion[holdout].mean:.1%}"
                figures.append(KeyFigure(f"decisions with an order, {group}", share))
        return figures
