"""The drift timeline: when a figure of the model moved to another level, beside the base rate."""

from typing import Final

import plotly.graph_objects as go

from flows.studies.report.records import Drift
from flows.studies.report.style import MAIN, OTHER, Section, figure, shown
from flows.studies.report.timeline import Timeline

STEPS: Final = 60
MOST: Final = 500


class Drifts:
    """Drifts as they were told, and the base rate over time. Bounded by ``MOST`` drifts; later ones count.

    ``watched`` is whether the log has a file of drifts at all.
    """

    def __init__(self, *, watched: bool) -> None:
        self.watched = watched
        self.count = 0
        self._told: list[Drift] = []
        self._rate: Timeline[bool] = Timeline(STEPS)

    def take(self, drift: Drift) -> None:
        """Note a drift."""
        self.count += 1
        if len(self._told) < MOST:
            self._told.append(drift)

    def ended(self, at_s: float, abandoned: bool) -> None:
        """Count what became of a cart that no offer preceded."""
        self._rate.add(at_s, abandoned)

    def section(self) -> Section:
        """Return the plot."""
        steps = list(self._rate.steps())
        rate = [sums.get(True, 0.0) / sum(sums.values()) for _, sums in steps]
        traces = [
            go.Scatter(x=[at for at, _ in steps], y=rate, mode="lines+markers", marker={"size": 4},
                       line={"color": MAIN}, name="abandoned carts")
        ] if steps else []  # fmt: skip
        if self._told:
            names = [shown(each.words, 120) for each in self._told]
            marker = {"color": OTHER, "size": 12, "symbol": "diamond"}
            traces.append(
                go.Scatter(
                    x=[each.at for each in self._told],
                    y=[1.06] * len(names),
                    mode="markers",
                    text=names,
                    marker=marker,
                    name="drift",
                    hovertemplate="%{x}: %{text}",
                )
            )
        return Section(
            "drift",
            "Drift timeline",
            "The share of carts abandoned, of those that no offer preceded, and a diamond above it for each "
            "drift: the log loss, that share or a feature moved to another level and stayed there.",
            self._now(),
            figure(*traces, height=300, yaxis={"title": "share abandoned", "range": [0, 1.12]})
            if traces
            else None,
        )

    def _now(self) -> str:
        if self.count:
            named = sorted({each.what for each in self._told})
            more = f" and {len(named) - 6} more" if len(named) > 6 else ""
            latest = max(self._told, key=lambda each: each.at)
            return (
                f"Drifts found: {self.count:,}, in {', '.join(named[:6])}{more}. "
                f"The latest: {latest.words}, {latest.at:%Y-%m-%d %H:%M}."
            )
        if self.watched:
            return "No drift was found."
        return "No drift is known: this log has no drifts.jsonl, so nobody watched for it."
