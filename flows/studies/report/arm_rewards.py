"""What the decisions for each arm earned."""

from typing import Final

import numpy as np
import plotly.graph_objects as go

from flows.studies.report.style import Section, colours, figure, shown
from operators.experiments.clustered_ratio import ClusteredRatio, RatioInterval
from schemas.decisions import Reward

MAX_ARMS: Final = 14
MIN_DECISIONS: Final = 30
"""Decisions without which an arm is not compared with others."""


class ArmRewards:
    """Profit per decision by arm, clustered by visitor."""

    def __init__(self) -> None:
        self.profit: dict[str, ClusteredRatio] = {}

    def add(self, reward: Reward) -> None:
        """Add a reward of the policy."""
        if not reward.holdout:
            ratio = self.profit.setdefault(reward.arm, ClusteredRatio())
            ratio.add(reward.visitor_id, reward.profit, int(reward.kind == "window"))

    def best(self) -> str | None:
        """Return the arm whose decisions earned most, among those chosen more than a few times."""
        means = {arm: ratio.mean for arm, ratio in self.profit.items() if ratio.count >= MIN_DECISIONS}
        return max(means, key=lambda arm: means[arm]) if means else None

    def section(self) -> Section:
        """Return the plot."""
        arms = sorted(self.profit.items(), key=lambda item: -item[1].count)[:MAX_ARMS]
        arms.sort(key=lambda item: item[1].mean)
        colour = colours(arm for arm, _ in arms)
        traces = [_dot(arm, ratio, colour[arm]) for arm, ratio in arms]
        return Section(
            "arms",
            "Reward by arm",
            "The mean profit of the decisions for each arm with its 95 % interval, clustered by visitor. "
            "Different arms go to different carts, so this shows what each earned where it was chosen, not "
            "what it would earn for everybody.",
            self._now(),
            figure(*traces, height=110 + 34 * len(arms), showlegend=False, xaxis_title="profit per decision")
            if arms
            else None,
        )

    def _now(self) -> str:
        best = self.best()
        if best is not None:
            earned = interval_text(self.profit[best].interval())
            return f"{best} earned most where it was chosen: {earned} per decision."
        return "No arm was chosen often enough to compare." if self.profit else "No window has ended yet."


def _dot(arm: str, ratio: ClusteredRatio, colour: str) -> go.Scatter:
    mean, low, high = ratio.interval()
    is_known = np.isfinite(low)
    return go.Scatter(
        x=[mean],
        y=[shown(arm)],
        mode="markers",
        marker={"size": 11, "color": colour},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - mean if is_known else 0.0],
            "arrayminus": [mean - low if is_known else 0.0],
            "color": colour,
            "thickness": 2,
        },
        name=shown(arm),
        hovertemplate=f"%{{x:.2f}}, {ratio.count:,} decisions",
    )


def interval_text(interval: RatioInterval) -> str:
    """Return a mean with its interval, as far as that is known."""
    mean, low, high = interval
    return f"{mean:.2f} ({low:.2f} to {high:.2f})" if np.isfinite(low) else f"{mean:.2f}"
