"""The arms: how often each was chosen over time, and what a decision for it earned."""

from collections import Counter
from typing import Final

import numpy as np
import plotly.graph_objects as go

from flows.studies.report.records import Decision, Reward
from flows.studies.report.style import Section, colours, figure, shown
from flows.studies.report.timeline import Timeline
from operators.experiments.clustered_ratio import ClusteredRatio, RatioInterval

STEPS: Final = 60
MOST: Final = 14
REST: Final = "all others"


class Shares:
    """How many decisions each arm had, by step of time; those without a choice are left out."""

    def __init__(self) -> None:
        self._counts: Timeline[str] = Timeline(STEPS)
        self.total: Counter[str] = Counter()

    def take(self, decision: Decision) -> None:
        """Count a decision of the policy."""
        if not decision.holdout and decision.reason in (None, "shadow"):
            self._counts.add(decision.at_s, decision.arm)
            self.total[decision.arm] += 1

    def section(self) -> Section:
        """Return the plot, stacked to 100 %."""
        kept = [arm for arm, _ in self.total.most_common(MOST)]
        steps = list(self._counts.steps())
        at = [each for each, _ in steps]
        names = [*kept, *([REST] if len(self.total) > MOST else [])]
        by_arm = {
            arm: [
                sum(count for other, count in sums.items() if other not in kept)
                if arm == REST
                else sums.get(arm, 0.0)
                for _, sums in steps
            ]
            for arm in names
        }
        colour = colours(names)
        traces = [
            go.Scatter(
                x=at,
                y=by_arm[arm],
                name=shown(arm),
                mode="lines+markers" if len(at) < 2 else "lines",
                stackgroup="arms",
                groupnorm="percent",
                line={"width": 0.5, "color": colour[arm]},
                fillcolor=colour[arm],
                hovertemplate="%{y:.0f} %",
            )
            for arm in names
        ]
        return Section(
            "shares",
            "Arm shares over time",
            "How the policy's decisions were divided among the arms. Bands that even out mean it still "
            "explores; one that swallows the others means it has decided.",
            self._now(),
            figure(*traces, height=400, yaxis={"title": "% of decisions", "range": [0, 100]}) if at else None,
        )

    def _now(self) -> str:
        if not self.total:
            return "No decision had a choice yet."
        (arm, count), total = self.total.most_common(1)[0], self.total.total()
        return f"Of {total:,} decisions with a choice, {arm} had the most: {count / total:.0%}."


class Arms:
    """Profit per decision by arm, clustered by visitor."""

    def __init__(self) -> None:
        self.profit: dict[str, ClusteredRatio] = {}

    def take(self, reward: Reward) -> None:
        """Add one reward of the policy."""
        if not reward.holdout:
            ratio = self.profit.setdefault(reward.arm, ClusteredRatio())
            ratio.add(reward.visitor_id, reward.profit, int(reward.kind == "window"))

    def best(self) -> str | None:
        """Return the arm whose decisions earned most, among those chosen more than a few times."""
        known = {arm: ratio.mean for arm, ratio in self.profit.items() if ratio.count >= 30}
        return max(known, key=lambda arm: known[arm]) if known else None

    def section(self) -> Section:
        """Return the plot."""
        found = sorted(self.profit.items(), key=lambda item: -item[1].count)[:MOST]
        found.sort(key=lambda item: item[1].mean)
        colour = colours(arm for arm, _ in found)
        traces = [_dot(arm, ratio, colour[arm]) for arm, ratio in found]
        return Section(
            "arms",
            "Reward by arm",
            "The mean profit of the decisions for each arm with its 95 % interval, clustered by visitor. "
            "Arms are given to different carts, so this shows what they earned where they were chosen, not "
            "what each would earn for everybody.",
            self._now(),
            figure(*traces, height=110 + 34 * len(found), showlegend=False, xaxis_title="profit per decision")
            if found
            else None,
        )

    def _now(self) -> str:
        best = self.best()
        if best is not None:
            earned = _words(self.profit[best].interval())
            return f"{best} earned most where it was chosen: {earned} a decision."
        return "No arm was chosen often enough to compare." if self.profit else "No window has ended yet."


def _dot(arm: str, ratio: ClusteredRatio, colour: str) -> go.Scatter:
    mean, low, high = ratio.interval()
    known = np.isfinite(low)
    return go.Scatter(
        x=[mean],
        y=[shown(arm)],
        mode="markers",
        marker={"size": 11, "color": colour},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - mean if known else 0.0],
            "arrayminus": [mean - low if known else 0.0],
            "color": colour,
            "thickness": 2,
        },
        name=shown(arm),
        hovertemplate=f"%{{x:.2f}}, {ratio.count:,} decisions",
    )


def _words(found: RatioInterval) -> str:
    return (
        f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"
        if np.isfinite(found.low)
        else f"{found.mean:.2f}"
    )
