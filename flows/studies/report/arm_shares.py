"""How often each arm was chosen over time."""

from collections import Counter
from typing import Final

import plotly.graph_objects as go

from flows.studies.report.style import Section, colours, figure, shown
from flows.studies.report.timeline import Timeline
from schemas.decisions import Decision

STEPS: Final = 60
MAX_ARMS: Final = 14
OTHERS: Final = "all others"


class ArmShares:
    """How many decisions each arm had, by step of time; those without a choice are left out."""

    def __init__(self) -> None:
        self._counts: Timeline[str] = Timeline(STEPS)
        self.total: Counter[str] = Counter()

    def add(self, decision: Decision) -> None:
        """Count a decision of the policy."""
        if not decision.holdout and decision.reason in (None, "shadow"):
            self._counts.add(decision.at.seconds, decision.arm)
            self.total[decision.arm] += 1

    def section(self) -> Section:
        """Return the plot, stacked to 100 %."""
        steps = list(self._counts.steps())
        times = [time for time, _ in steps]
        by_arm = self._by_arm([sums for _, sums in steps])
        colour = colours(by_arm)
        traces = [
            go.Scatter(
                x=times,
                y=counts,
                name=shown(arm),
                mode="lines+markers" if len(times) < 2 else "lines",
                stackgroup="arms",
                groupnorm="percent",
                line={"width": 0.5, "color": colour[arm]},
                fillcolor=colour[arm],
                hovertemplate="%{y:.0f} %",
            )
            for arm, counts in by_arm.items()
        ]
        axis = {"title": "% of decisions", "range": [0, 100]}
        return Section(
            "shares",
            "Arm shares over time",
            "How the policy's decisions are divided among the arms. As long as the bands are even it "
            "explores; when one band fills the plot it has settled on an arm.",
            self._now(),
            figure(*traces, height=400, yaxis=axis) if times else None,
        )

    def _by_arm(self, steps: list[dict[str, float]]) -> dict[str, list[float]]:
        kept = [arm for arm, _ in self.total.most_common(MAX_ARMS)]
        by_arm = {arm: [sums.get(arm, 0.0) for sums in steps] for arm in kept}
        if len(self.total) > MAX_ARMS:
            by_arm[OTHERS] = [
                sum(count for arm, count in sums.items() if arm not in by_arm) for sums in steps
            ]
        return by_arm

    def _now(self) -> str:
        if not self.total:
            return "No decision had a choice yet."
        (arm, count), total = self.total.most_common(1)[0], self.total.total()
        return f"Of {total:,} decisions with a choice, {arm} had the most: {count / total:.0%}."
